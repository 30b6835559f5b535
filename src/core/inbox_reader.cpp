#include "core/inbox_reader.hpp"

#include <algorithm>
#include <map>
#include <numeric>
#include <utility>

#include "core/hex_text.hpp"
#include "core/replaced.hpp"
#include "kinbox/fingerprint.hpp"

namespace kinbox {
namespace {

/// Of the sample: fewer lie somewhere by chance.
constexpr std::size_t kLeastShare = 8;
/// Of the rows of a generation, one in so many has to be asked for.
constexpr std::size_t kLeastUse = 4;
/// After so many generations that were of little use no more is loaded, for a while: as many ids as
/// so many generations have.
constexpr int kPatience = 2;
constexpr std::size_t kPause = 16;

// A row's place among the others: its block, or its number.
constexpr std::string_view kBlock = "(p.ctid::text::point)[0]::bigint";
constexpr std::string_view kRowid = "p.rowid";

constexpr std::string_view kAskEach =
    "SELECT $3, {place}, p.verdict{fingerprint} FROM {kinbox}.processed_events AS p "
    "WHERE p.consumer = $1 AND p.event_id = $2";
constexpr std::string_view kAskAll =
    "SELECT wanted.position, {place}, p.verdict{fingerprint} "
    "FROM unnest($1::text[], $2::text[], $3::bigint[]) AS wanted (consumer, event_id, position) "
    "JOIN {kinbox}.processed_events AS p "
    "ON p.consumer = COALESCE($4, wanted.consumer) AND p.event_id = wanted.event_id";
constexpr std::size_t kAskColumns = 3;

// A stretch comes as one row: rows by the ten thousand cost more to send and to take apart than to
// read. What has another fingerprint than today's is left to be asked for.
constexpr std::string_view kLoadBlocks =
    "SELECT count(*), string_agg(p.event_id, E'\n'){fingerprints} "
    "FROM {kinbox}.processed_events AS p "
    "WHERE p.ctid >= $3::tid AND p.ctid < $4::tid AND p.consumer = $1 AND p.verdict = 'applied' "
    "AND octet_length(p.fingerprint) = $2";
constexpr std::string_view kBlocksFingerprints = ", encode(string_agg(p.fingerprint, ''), 'hex')";
// The plus keeps SQLite from the index of the consumer's ids.
constexpr std::string_view kLoadRowids =
    "SELECT count(*), group_concat(p.event_id, char(10)){fingerprints} "
    "FROM {kinbox}.processed_events AS p "
    "WHERE p.rowid >= $3 AND p.rowid < $4 AND +p.consumer = $1 AND p.verdict = 'applied' "
    "AND length(p.fingerprint) = $2";
constexpr std::string_view kRowidsFingerprints = ", group_concat(hex(p.fingerprint), '')";

constexpr std::string_view kServerVersion = "SELECT current_setting('server_version_num')::bigint";

std::string before_block(std::int64_t block) { return '(' + std::to_string(block) + ",0)"; }

std::string ask_statement(std::string_view sql, const Dialect& dialect,
                          InboxReader::Fingerprints fingerprints) {
  const auto placed =
      replaced(sql, "{place}", dialect.backend() == Backend::kSqlite ? kRowid : kBlock);
  return dialect.render(
      replaced(placed, "{fingerprint}",
               fingerprints == InboxReader::Fingerprints::kWith ? ", p.fingerprint" : ""));
}

std::string load_statement(const Dialect& dialect, InboxReader::Fingerprints fingerprints) {
  const bool sqlite = dialect.backend() == Backend::kSqlite;
  const auto column = sqlite ? kRowidsFingerprints : kBlocksFingerprints;
  return dialect.render(replaced(sqlite ? kLoadRowids : kLoadBlocks, "{fingerprints}",
                                 fingerprints == InboxReader::Fingerprints::kWith ? column : ""));
}

std::size_t fingerprint_size() { return Fingerprint().bytes().size(); }

}  // namespace

InboxReader::InboxReader(std::string consumer, const Dialect& dialect, Fingerprints fingerprints,
                         const Bounds& bounds)
    : consumer_(std::move(consumer)),
      backend_(dialect.backend()),
      bounds_(bounds),
      ask_{ask_statement(kAskEach, dialect, fingerprints),
           ask_statement(kAskAll, dialect, fingerprints),
           {0}},
      load_(load_statement(dialect, fingerprints)) {}

InboxReader::Entries InboxReader::recall(std::span<const std::string_view> event_ids) {
  Entries entries(event_ids.size());
  Open all(event_ids.size());
  std::iota(all.begin(), all.end(), std::size_t{0});
  recall(event_ids, all, entries);
  return entries;
}

InboxReader::Entries InboxReader::find(OpenTransaction& tx,
                                       std::span<const std::string_view> event_ids, Entries known) {
  Open open;
  for (std::size_t i = 0; i < known.size(); ++i)
    if (!known[i]) open.push_back(i);
  if (open.size() >= bounds_.sample && pays() && reads_stretches(tx)) {
    for (const auto stretch : promising(tx, event_ids, open, known)) load(tx, stretch);
    open = recall(event_ids, open, known);
  }
  for (const auto stretch : ask(tx, event_ids, open, known))
    if (continues(stretch) && pays()) load(tx, stretch);
  return known;
}

void InboxReader::forget() {
  if (young_->stretches.empty() && old_->stretches.empty()) return;
  young_ = std::make_unique<Generation>();
  old_ = std::make_unique<Generation>();
}

bool InboxReader::pays() const { return poor_ < kPatience || asked_ >= kPause * bounds_.rows_kept; }

bool InboxReader::reads_stretches(OpenTransaction& tx) {
  if (!reads_stretches_)
    reads_stretches_ = backend_ == Backend::kSqlite ||
                       tx.query(kServerVersion)[0].get<std::int64_t>(0) >= bounds_.oldest_server;
  return *reads_stretches_;
}

void InboxReader::age() {
  const auto size = old_->entries.size();
  if (size > 0) poor_ = old_->used * kLeastUse >= size ? 0 : poor_ + 1;
  asked_ = 0;
  old_ = std::exchange(young_, std::make_unique<Generation>());
}

InboxReader::Open InboxReader::recall(std::span<const std::string_view> ids, const Open& open,
                                      Entries& entries) {
  Open left;
  for (const auto i : open) {
    if (entries[i]) continue;
    if (const auto fingerprint = remembered(ids[i])) {
      entries[i] = Inbox::Entry{Verdict::kApplied, bytes_of_hex(*fingerprint)};
    } else {
      left.push_back(i);
    }
  }
  return left;
}

std::optional<std::string_view> InboxReader::remembered(std::string_view id) {
  for (auto* generation : {young_.get(), old_.get()}) {
    const auto found = generation->entries.find(id);
    if (found == generation->entries.end()) continue;
    ++generation->used;
    return found->second;
  }
  return std::nullopt;
}

std::vector<std::int64_t> InboxReader::promising(OpenTransaction& tx,
                                                 std::span<const std::string_view> ids,
                                                 const Open& open, Entries& entries) {
  Open sample;
  for (std::size_t i = 0; i < bounds_.sample; ++i)
    sample.push_back(open[i * open.size() / bounds_.sample]);
  std::map<std::int64_t, std::size_t> found_in;
  for (const auto stretch : ask(tx, ids, sample, entries)) ++found_in[stretch];
  std::vector<std::int64_t> stretches;
  for (const auto& [stretch, count] : found_in)
    if ((count * kLeastShare >= bounds_.sample && !has(stretch)) || continues(stretch))
      stretches.push_back(stretch);
  return stretches;
}

bool InboxReader::has(std::int64_t stretch) const {
  return young_->stretches.contains(stretch) || old_->stretches.contains(stretch);
}

bool InboxReader::continues(std::int64_t stretch) const {
  return has(stretch - 1) && !has(stretch);
}

void InboxReader::load(OpenTransaction& tx, std::int64_t stretch) {
  if (young_->entries.size() >= bounds_.rows_kept) age();
  young_->stretches.insert(stretch);
  const auto size = static_cast<std::int64_t>(fingerprint_size());
  const auto rows =
      backend_ == Backend::kSqlite
          ? tx.query(load_, consumer_, size, stretch * bounds_.rows_in_stretch,
                     (stretch + 1) * bounds_.rows_in_stretch)
          : tx.query(load_, consumer_, size, before_block(stretch * bounds_.blocks_in_stretch),
                     before_block((stretch + 1) * bounds_.blocks_in_stretch));
  const auto count = std::get<std::int64_t>(rows.at(0, 0));
  if (count == 0) return;
  const std::string_view ids = std::get<std::string>(rows.at(0, 1));
  // An id with a line end in it: nobody knows any more where each of them begins.
  if (std::ranges::count(ids, '\n') != count - 1) return;
  young_->rows.push_back(rows);
  std::string_view fingerprints;
  if (rows.columns().size() > 2) fingerprints = std::get<std::string>(rows.at(0, 2));
  remember(ids, fingerprints);
  loaded_ += count;
}

void InboxReader::remember(std::string_view ids, std::string_view fingerprints) {
  auto& entries = young_->entries;
  if (entries.empty()) {
    // Half of the searches are for what is not there, and end at an empty bucket.
    entries.max_load_factor(0.5F);
    entries.reserve(bounds_.rows_kept);
  }
  const auto digits = 2 * fingerprint_size();
  for (std::size_t end = 0; end != ids.npos;) {
    end = ids.find('\n');
    entries.insert_or_assign(ids.substr(0, end), fingerprints.substr(0, digits));
    if (end != ids.npos) ids.remove_prefix(end + 1);
    fingerprints.remove_prefix(std::min(digits, fingerprints.size()));
  }
}

std::vector<std::int64_t> InboxReader::ask(OpenTransaction& tx,
                                           std::span<const std::string_view> ids, const Open& open,
                                           Entries& entries) {
  std::vector<std::int64_t> stretches;
  if (open.empty()) return stretches;
  asked_ += open.size();
  std::vector<SqlParam> params;
  params.reserve(open.size() * kAskColumns);
  for (const auto i : open)
    params.insert(params.end(), {consumer_, ids[i], static_cast<std::int64_t>(i)});
  const auto places =
      backend_ == Backend::kSqlite ? bounds_.rows_in_stretch : bounds_.blocks_in_stretch;
  const auto rows = tx.query_bulk(ask_, params, kAskColumns);
  const bool with_fingerprint = rows.columns().size() > 3;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const auto row = rows[i];
    entries.at(static_cast<std::size_t>(row.get<std::int64_t>(0))) =
        Inbox::Entry{verdict_from(row.get<std::string>(2)),
                     with_fingerprint ? row.get<ByteVector>(3) : ByteVector()};
    stretches.push_back(row.get<std::int64_t>(1) / places);
  }
  return stretches;
}

}  // namespace kinbox

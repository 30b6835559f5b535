#include "core/inbox_reader.hpp"

#include <algorithm>
#include <map>
#include <numeric>
#include <utility>

#include "core/replaced.hpp"

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

constexpr std::string_view kLoadBlocks =
    "SELECT p.event_id, p.verdict{fingerprint} FROM {kinbox}.processed_events AS p "
    "WHERE p.ctid >= $2::tid AND p.ctid < $3::tid AND p.consumer = $1 "
    "AND p.verdict IN ('applied', 'skipped')";
// The plus keeps SQLite from the index of the consumer's ids.
constexpr std::string_view kLoadRowids =
    "SELECT p.event_id, p.verdict{fingerprint} FROM {kinbox}.processed_events AS p "
    "WHERE p.rowid >= $2 AND p.rowid < $3 AND +p.consumer = $1 "
    "AND p.verdict IN ('applied', 'skipped')";

std::string before_block(std::int64_t block) { return '(' + std::to_string(block) + ",0)"; }

std::string rendered(std::string_view sql, const Dialect& dialect,
                     InboxReader::Fingerprints fingerprints) {
  const auto placed =
      replaced(sql, "{place}", dialect.backend() == Backend::kSqlite ? kRowid : kBlock);
  return dialect.render(
      replaced(placed, "{fingerprint}",
               fingerprints == InboxReader::Fingerprints::kWith ? ", p.fingerprint" : ""));
}

/// `rows` may be without the column.
const ByteVector* fingerprint_of(const Rows& rows, std::size_t row, std::size_t column) {
  return column < rows.columns().size() ? &std::get<ByteVector>(rows.at(row, column)) : nullptr;
}

Inbox::Entry entry_of(Verdict verdict, const ByteVector* fingerprint) {
  return {verdict, fingerprint != nullptr ? *fingerprint : ByteVector()};
}

}  // namespace

InboxReader::InboxReader(std::string consumer, const Dialect& dialect, Fingerprints fingerprints,
                         const Bounds& bounds)
    : consumer_(std::move(consumer)),
      backend_(dialect.backend()),
      bounds_(bounds),
      ask_{
          rendered(kAskEach, dialect, fingerprints), rendered(kAskAll, dialect, fingerprints), {0}},
      load_(rendered(backend_ == Backend::kSqlite ? kLoadRowids : kLoadBlocks, dialect,
                     fingerprints)) {}

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
  if (open.size() >= bounds_.sample && pays()) {
    for (const auto stretch : promising(tx, event_ids, open, known)) load(tx, stretch);
    open = recall(event_ids, open, known);
  }
  ask(tx, event_ids, open, known);
  return known;
}

void InboxReader::forget() {
  young_ = {};
  old_ = {};
}

bool InboxReader::pays() const { return poor_ < kPatience || asked_ >= kPause * bounds_.rows_kept; }

void InboxReader::age() {
  const auto size = old_.entries.size();
  if (size > 0) poor_ = old_.used * kLeastUse >= size ? 0 : poor_ + 1;
  asked_ = 0;
  old_ = std::exchange(young_, {});
}

InboxReader::Open InboxReader::recall(std::span<const std::string_view> ids, const Open& open,
                                      Entries& entries) {
  Open left;
  for (const auto i : open) {
    if (entries[i]) continue;
    if (const auto* const found = remembered(ids[i])) {
      entries[i] = entry_of(found->verdict, found->fingerprint);
    } else {
      left.push_back(i);
    }
  }
  return left;
}

const InboxReader::Remembered* InboxReader::remembered(std::string_view id) {
  for (auto* generation : {&young_, &old_}) {
    const auto found = generation->entries.find(id);
    if (found == generation->entries.end()) continue;
    ++generation->used;
    return &found->second;
  }
  return nullptr;
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
    if (count * kLeastShare >= bounds_.sample && !young_.stretches.contains(stretch) &&
        !old_.stretches.contains(stretch))
      stretches.push_back(stretch);
  return stretches;
}

void InboxReader::load(OpenTransaction& tx, std::int64_t stretch) {
  if (young_.entries.size() >= bounds_.rows_kept) age();
  if (young_.entries.empty()) young_.entries.reserve(bounds_.rows_kept);
  young_.stretches.insert(stretch);
  const auto rows =
      backend_ == Backend::kSqlite
          ? tx.query(load_, consumer_, stretch * bounds_.rows_in_stretch,
                     (stretch + 1) * bounds_.rows_in_stretch)
          : tx.query(load_, consumer_, before_block(stretch * bounds_.blocks_in_stretch),
                     before_block((stretch + 1) * bounds_.blocks_in_stretch));
  for (std::size_t i = 0; i < rows.size(); ++i)
    young_.entries.insert_or_assign(
        std::get<std::string>(rows.at(i, 0)),
        Remembered{verdict_from(std::get<std::string>(rows.at(i, 1))), fingerprint_of(rows, i, 2)});
  young_.rows.push_back(rows);
  loaded_ += static_cast<std::int64_t>(rows.size());
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
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const auto row = rows[i];
    entries.at(static_cast<std::size_t>(row.get<std::int64_t>(0))) =
        entry_of(verdict_from(row.get<std::string>(2)), fingerprint_of(rows, i, 3));
    stretches.push_back(row.get<std::int64_t>(1) / places);
  }
  return stretches;
}

}  // namespace kinbox

#include "core/replay/verdict_reader.hpp"

#include <algorithm>
#include <map>
#include <numeric>
#include <utility>

#include "core/own_statements.hpp"
#include "core/replaced.hpp"

namespace kinbox {
namespace {

/// Of the sample: fewer lie somewhere by chance.
constexpr std::size_t kLeastShare = 8;
/// Of the rows that were loaded, one in so many has to be asked for.
constexpr std::int64_t kLeastUse = 4;

// A row's place among the others: its block, or its number.
constexpr std::string_view kBlock = "(p.ctid::text::point)[0]::bigint";
constexpr std::string_view kRowid = "p.rowid";

constexpr std::string_view kAskEach =
    "SELECT $3, p.verdict, {place} FROM {kinbox}.processed_events AS p "
    "WHERE p.consumer = $1 AND p.event_id = $2";
constexpr std::string_view kAskAll =
    "SELECT wanted.position, p.verdict, {place} "
    "FROM unnest($1::text[], $2::text[], $3::bigint[]) AS wanted (consumer, event_id, position) "
    "JOIN {kinbox}.processed_events AS p "
    "ON p.consumer = COALESCE($4, wanted.consumer) AND p.event_id = wanted.event_id";
constexpr std::size_t kAskColumns = 3;

constexpr std::string_view kLoadBlocks =
    "SELECT event_id, verdict FROM {kinbox}.processed_events "
    "WHERE ctid >= $2::tid AND ctid < $3::tid AND consumer = $1";
// The plus keeps SQLite from the index of the consumer's ids.
constexpr std::string_view kLoadRowids =
    "SELECT event_id, verdict FROM {kinbox}.processed_events "
    "WHERE rowid >= $2 AND rowid < $3 AND +consumer = $1";

std::string before_block(std::int64_t block) { return '(' + std::to_string(block) + ",0)"; }

std::string with_place(std::string_view sql, const Dialect& dialect) {
  return dialect.render(
      replaced(sql, "{place}", dialect.backend() == Backend::kSqlite ? kRowid : kBlock));
}

}  // namespace

VerdictReader::VerdictReader(std::string consumer, const Dialect& dialect, const Bounds& bounds)
    : consumer_(std::move(consumer)),
      backend_(dialect.backend()),
      bounds_(bounds),
      ask_{with_place(kAskEach, dialect), with_place(kAskAll, dialect), {0}},
      load_(dialect.render(backend_ == Backend::kSqlite ? kLoadRowids : kLoadBlocks)) {}

std::vector<std::optional<Verdict>> VerdictReader::find(
    Database& database, std::span<const std::string_view> event_ids) {
  Answers answers(event_ids.size());
  Open open(event_ids.size());
  std::iota(open.begin(), open.end(), std::size_t{0});
  open = recall(event_ids, open, answers);
  if (open.empty()) return answers;
  own_transaction(database, "verdicts", [&](OpenTransaction& tx) {
    if (open.size() >= bounds_.sample && pays()) {
      for (const auto stretch : promising(tx, event_ids, open, answers)) load(tx, stretch);
      open = recall(event_ids, open, answers);
    }
    ask(tx, event_ids, open, answers);
  });
  return answers;
}

bool VerdictReader::pays() const {
  const auto trial = static_cast<std::int64_t>(2 * bounds_.rows_kept);
  return loaded_ < trial || recalled_ * kLeastUse >= loaded_;
}

VerdictReader::Open VerdictReader::recall(std::span<const std::string_view> ids, const Open& open,
                                          Answers& answers) {
  Open left;
  for (const auto i : open) {
    if (answers[i]) continue;
    auto found = young_.verdicts.find(ids[i]);
    if (found == young_.verdicts.end()) {
      found = old_.verdicts.find(ids[i]);
      if (found == old_.verdicts.end()) {
        left.push_back(i);
        continue;
      }
    }
    answers[i] = found->second;
    ++recalled_;
  }
  return left;
}

std::vector<std::int64_t> VerdictReader::promising(OpenTransaction& tx,
                                                   std::span<const std::string_view> ids,
                                                   const Open& open, Answers& answers) const {
  Open sample;
  for (std::size_t i = 0; i < bounds_.sample; ++i)
    sample.push_back(open[i * open.size() / bounds_.sample]);
  std::map<std::int64_t, std::size_t> found_in;
  for (const auto stretch : ask(tx, ids, sample, answers)) ++found_in[stretch];
  std::vector<std::int64_t> stretches;
  for (const auto& [stretch, count] : found_in)
    if (count * kLeastShare >= bounds_.sample && !young_.stretches.contains(stretch) &&
        !old_.stretches.contains(stretch))
      stretches.push_back(stretch);
  return stretches;
}

void VerdictReader::load(OpenTransaction& tx, std::int64_t stretch) {
  if (young_.verdicts.size() >= bounds_.rows_kept) old_ = std::exchange(young_, {});
  if (young_.verdicts.empty()) young_.verdicts.reserve(bounds_.rows_kept);
  young_.stretches.insert(stretch);
  const auto rows =
      backend_ == Backend::kSqlite
          ? tx.query(load_, consumer_, stretch * bounds_.rows_in_stretch,
                     (stretch + 1) * bounds_.rows_in_stretch)
          : tx.query(load_, consumer_, before_block(stretch * bounds_.blocks_in_stretch),
                     before_block((stretch + 1) * bounds_.blocks_in_stretch));
  for (std::size_t i = 0; i < rows.size(); ++i)
    young_.verdicts.insert_or_assign(std::get<std::string>(rows.at(i, 0)),
                                     verdict_from(std::get<std::string>(rows.at(i, 1))));
  young_.rows.push_back(rows);
  loaded_ += static_cast<std::int64_t>(rows.size());
}

std::vector<std::int64_t> VerdictReader::ask(OpenTransaction& tx,
                                             std::span<const std::string_view> ids,
                                             const Open& open, Answers& answers) const {
  std::vector<std::int64_t> stretches;
  if (open.empty()) return stretches;
  std::vector<SqlParam> params;
  params.reserve(open.size() * kAskColumns);
  for (const auto i : open)
    params.insert(params.end(), {consumer_, ids[i], static_cast<std::int64_t>(i)});
  const auto places =
      backend_ == Backend::kSqlite ? bounds_.rows_in_stretch : bounds_.blocks_in_stretch;
  for (const auto row : tx.query_bulk(ask_, params, kAskColumns)) {
    answers.at(static_cast<std::size_t>(row.get<std::int64_t>(0))) =
        verdict_from(row.get<std::string>(1));
    stretches.push_back(row.get<std::int64_t>(2) / places);
  }
  return stretches;
}

}  // namespace kinbox

#include "kinbox/inbox.hpp"

#include <algorithm>
#include <array>
#include <numeric>
#include <unordered_set>

namespace kinbox {
namespace {

// The conflict target is always named, and never INSERT OR IGNORE: other violations must not look
// like duplicates.
constexpr std::string_view kClaimEach =
    "INSERT INTO {kinbox}.processed_events "
    "(consumer, event_id, topic, partition, record_offset, event_type, verdict, fingerprint) "
    "VALUES ($1, $2, $3, $4, $5, $6, $7, $8) "
    "ON CONFLICT (consumer, event_id) DO NOTHING";
constexpr std::string_view kClaimAll =
    "INSERT INTO {kinbox}.processed_events "
    "(consumer, event_id, topic, partition, record_offset, event_type, verdict, fingerprint) "
    "SELECT COALESCE(consumer, $9), event_id, COALESCE(topic, $10), partition, record_offset, "
    "COALESCE(event_type, $11), COALESCE(verdict, $12), fingerprint "
    "FROM unnest($1::text[], $2::text[], $3::text[], $4::integer[], $5::bigint[], $6::text[], "
    "$7::text[], $8::bytea[]) AS claim (consumer, event_id, topic, partition, record_offset, "
    "event_type, verdict, fingerprint) "
    "ON CONFLICT (consumer, event_id) DO NOTHING RETURNING event_id";

// The position in the list comes back in place of the id: nothing needs to be looked up by it.
constexpr std::string_view kFindEach =
    "SELECT $3, verdict, fingerprint FROM {kinbox}.processed_events "
    "WHERE consumer = $1 AND event_id = $2";
constexpr std::string_view kFindAll =
    "SELECT wanted.position, p.verdict, p.fingerprint "
    "FROM unnest($1::text[], $2::text[], $3::bigint[]) AS wanted (consumer, event_id, position) "
    "JOIN {kinbox}.processed_events AS p "
    "ON p.consumer = COALESCE($4, wanted.consumer) AND p.event_id = wanted.event_id";
constexpr std::size_t kFindColumns = 3;

constexpr std::string_view kChangeEach =
    "UPDATE {kinbox}.processed_events SET verdict = $4, processed_at = {now} "
    "WHERE consumer = $1 AND event_id = $2 AND verdict = $3 RETURNING event_id";
constexpr std::string_view kChangeAll =
    "UPDATE {kinbox}.processed_events AS p SET verdict = COALESCE(c.later, $7), "
    "processed_at = {now} "
    "FROM unnest($1::text[], $2::text[], $3::text[], $4::text[]) AS c (consumer, event_id, "
    "earlier, later) WHERE p.consumer = COALESCE(c.consumer, $5) AND p.event_id = c.event_id "
    "AND p.verdict = COALESCE(c.earlier, $6) RETURNING p.event_id";
constexpr std::size_t kChangeColumns = 4;

constexpr std::string_view kClaimGenerationEach =
    "UPDATE {kinbox}.processed_events SET generation = $3, processed_at = {now} "
    "WHERE consumer = $1 AND event_id = $2 AND verdict = 'applied' AND generation < $3 "
    "RETURNING event_id";
constexpr std::string_view kClaimGenerationAll =
    "UPDATE {kinbox}.processed_events AS p SET generation = COALESCE(c.generation, $5), "
    "processed_at = {now} "
    "FROM unnest($1::text[], $2::text[], $3::bigint[]) AS c (consumer, event_id, generation) "
    "WHERE p.consumer = COALESCE(c.consumer, $4) AND p.event_id = c.event_id "
    "AND p.verdict = 'applied' AND p.generation < COALESCE(c.generation, $5) RETURNING p.event_id";
constexpr std::size_t kGenerationColumns = 3;

constexpr std::array<std::pair<Verdict, std::string_view>, 4> kVerdicts{{
    {Verdict::kApplied, "applied"},
    {Verdict::kParked, "parked"},
    {Verdict::kDead, "dead"},
    {Verdict::kSkipped, "skipped"},
}};

constexpr std::size_t kClaimColumns = 8;
constexpr std::size_t kIdColumn = 1;

void append_row(std::vector<SqlParam>& rows, const std::string& consumer,
                const Inbox::Claim& claim) {
  rows.insert(rows.end(), {consumer, claim.event_id, claim.topic, claim.partition, claim.offset,
                           claim.event_type, to_text(claim.verdict), claim.fingerprint.bytes()});
}

/// Which of `rows` were inserted. SQLite's way, where every RETURNING makes a temporary table and
/// costs as much as the insert itself.
std::vector<bool> insert_each(OpenTransaction& tx, const std::string& statement,
                              std::span<const SqlParam> rows) {
  std::vector<bool> inserted;
  for (; !rows.empty(); rows = rows.subspan(kClaimColumns))
    inserted.push_back(tx.execute_with(statement, rows.first(kClaimColumns)).affected_rows() == 1);
  return inserted;
}

/// The same in one round trip.
std::vector<bool> insert_all(OpenTransaction& tx, const BulkStatement& statement,
                             std::span<const SqlParam> rows) {
  const auto answer = tx.query_bulk(statement, rows, kClaimColumns);
  const auto count = rows.size() / kClaimColumns;
  if (answer.size() == count) return std::vector<bool>(count, true);
  std::unordered_set<std::string> fresh;
  fresh.reserve(answer.size());
  for (const auto row : answer) fresh.insert(row.get<std::string>(0));
  std::vector<bool> inserted;
  for (; !rows.empty(); rows = rows.subspan(kClaimColumns))
    inserted.push_back(
        fresh.contains(std::string(std::get<std::string_view>(rows[kIdColumn].value()))));
  return inserted;
}

/// Indices of the claims that come first with their id, in order of the ids' bytes.
std::vector<std::size_t> first_of_each_id(std::span<const Inbox::Claim> claims) {
  std::vector<std::size_t> order(claims.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  // Unsorted, two workers that meet on two ids deadlock.
  std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
    return claims[a].event_id < claims[b].event_id;
  });
  const auto last = std::unique(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
    return claims[a].event_id == claims[b].event_id;
  });
  order.erase(last, order.end());
  return order;
}

}  // namespace

std::string_view to_text(Verdict verdict) {
  const auto found = std::find_if(kVerdicts.begin(), kVerdicts.end(),
                                  [&](const auto& entry) { return entry.first == verdict; });
  return found->second;
}

Verdict verdict_from(std::string_view text) {
  const auto found = std::find_if(kVerdicts.begin(), kVerdicts.end(),
                                  [&](const auto& entry) { return entry.second == text; });
  if (found == kVerdicts.end())
    throw Error("processed_events.verdict \"" + std::string(text) + "\" is none that kinbox wrote");
  return found->first;
}

Inbox::Inbox(std::string consumer, const Dialect& dialect)
    : consumer_(std::move(consumer)),
      claim_{dialect.render(kClaimEach), dialect.render(kClaimAll), {0, 2, 5, 6}},
      find_{dialect.render(kFindEach), dialect.render(kFindAll), {0}},
      change_{dialect.render(kChangeEach), dialect.render(kChangeAll), {0, 2, 3}},
      claim_generation_{
          dialect.render(kClaimGenerationEach), dialect.render(kClaimGenerationAll), {0, 2}} {}

std::vector<bool> Inbox::claim(OpenTransaction& tx, std::span<const Claim> claims) const {
  std::vector<bool> is_new(claims.size(), false);
  if (claims.empty()) return is_new;
  std::vector<SqlParam> rows;
  rows.reserve(claims.size() * kClaimColumns);
  const auto order = first_of_each_id(claims);
  for (const auto index : order) append_row(rows, consumer_, claims[index]);
  const auto inserted = tx.dialect().backend() == Backend::kSqlite
                            ? insert_each(tx, claim_.for_each_row, rows)
                            : insert_all(tx, claim_, rows);
  for (std::size_t i = 0; i < order.size(); ++i) is_new[order[i]] = inserted[i];
  return is_new;
}

std::vector<std::optional<Inbox::Entry>> Inbox::find(
    OpenTransaction& tx, std::span<const std::string_view> event_ids) const {
  std::vector<std::optional<Entry>> entries(event_ids.size());
  if (event_ids.empty()) return entries;
  std::vector<SqlParam> params;
  params.reserve(event_ids.size() * kFindColumns);
  for (std::size_t i = 0; i < event_ids.size(); ++i)
    params.insert(params.end(), {consumer_, event_ids[i], static_cast<std::int64_t>(i)});
  for (const auto row : tx.query_bulk(find_, params, kFindColumns))
    entries.at(static_cast<std::size_t>(row.get<std::int64_t>(0))) =
        Entry{verdict_from(row.get<std::string>(1)), row.get<ByteVector>(2)};
  return entries;
}

std::vector<bool> Inbox::change(OpenTransaction& tx, std::span<const Change> changes) const {
  std::vector<bool> changed(changes.size(), false);
  if (changes.empty()) return changed;
  std::vector<std::size_t> order(changes.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
    return changes[a].event_id < changes[b].event_id;
  });
  std::vector<SqlParam> params;
  params.reserve(changes.size() * kChangeColumns);
  for (const auto i : order)
    params.insert(params.end(), {consumer_, changes[i].event_id, to_text(changes[i].from),
                                 to_text(changes[i].to)});
  std::unordered_set<std::string> found;
  for (const auto row : tx.query_bulk(change_, params, kChangeColumns))
    found.insert(row.get<std::string>(0));
  for (std::size_t i = 0; i < changes.size(); ++i)
    changed[i] = found.contains(std::string(changes[i].event_id));
  return changed;
}

bool Inbox::claim_generation(OpenTransaction& tx, std::string_view event_id,
                             std::int64_t generation) const {
  return claim_generation(tx, {&event_id, 1}, generation)[0];
}

std::vector<bool> Inbox::claim_generation(OpenTransaction& tx,
                                          std::span<const std::string_view> event_ids,
                                          std::int64_t generation) const {
  std::vector<bool> claimed(event_ids.size(), false);
  if (event_ids.empty()) return claimed;
  std::vector<std::string_view> order(event_ids.begin(), event_ids.end());
  std::sort(order.begin(), order.end());
  std::vector<SqlParam> params;
  params.reserve(order.size() * kGenerationColumns);
  for (const auto id : order) params.insert(params.end(), {consumer_, id, generation});
  std::unordered_set<std::string> found;
  for (const auto row : tx.query_bulk(claim_generation_, params, kGenerationColumns))
    found.insert(row.get<std::string>(0));
  for (std::size_t i = 0; i < event_ids.size(); ++i)
    claimed[i] = found.contains(std::string(event_ids[i]));
  return claimed;
}

}  // namespace kinbox

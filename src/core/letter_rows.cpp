#include "core/letter_rows.hpp"

#include <utility>

#include "core/attempt_times.hpp"
#include "core/letter_states.hpp"
#include "core/parked_rows.hpp"
#include "core/replaced.hpp"
#include "core/sql_moment.hpp"
#include "core/stored_record.hpp"

namespace kinbox {
namespace {

constexpr std::string_view kRequested =
    "SELECT id, event_id, event_type, retry_as, topic, partition, record_offset, "
    "record_timestamp_ms, key, "
    "CASE WHEN edited THEN edited_value ELSE value END AS value, headers, attempts, crashes, "
    "imported, failed_at, "
    "{first failed} AS first_failed_ms FROM {kinbox}.unresolved_letters "
    "WHERE consumer = $1 AND topic = $2 AND partition = $3 AND state = 'requested' "
    "AND (due_at IS NULL OR due_at <= (SELECT {now})) ORDER BY record_offset LIMIT $4";

constexpr std::string_view kNextDue =
    "SELECT topic, partition, {due in} AS due_in FROM {kinbox}.letter_states "
    "WHERE consumer = $1 AND state = 'requested' "
    "AND ($2 = '' OR (topic = $2 AND partition = $3)) GROUP BY topic, partition";

constexpr std::string_view kNoteResolvedEach =
    "INSERT INTO {kinbox}.dead_letter_history (dead_letter_id, what) VALUES ($1, 'applied')";
constexpr std::string_view kNoteResolvedAll =
    "INSERT INTO {kinbox}.dead_letter_history (dead_letter_id, what) "
    "SELECT id, 'applied' FROM unnest($1::bigint[]) AS letter (id)";

constexpr std::string_view kNoteParked =
    "INSERT INTO {kinbox}.dead_letter_history (dead_letter_id, what) VALUES ($1, 'parked')";

WaitingRecord waiting(const Row& row) {
  WaitingRecord found{
      .waited = {.place = Waited::Place::kLetter, .id = row.get<std::int64_t>("id")},
      .event_id = row.get<std::optional<std::string>>("event_id"),
      .event_type = row.get<std::string>("event_type"),
      .record = stored_record(row)};
  auto& waited = found.waited;
  if (auto other = row.get<std::optional<std::string>>("retry_as"))
    found.event_id = std::move(other);
  else if (found.event_id)
    waited.recorded = Verdict::kDead;
  if (!row.get<bool>("imported")) waited.counted = Verdict::kDead;
  waited.attempts = static_cast<int>(row.get<std::int64_t>("attempts"));
  waited.crashes = row.get<std::int64_t>("crashes");
  waited.first_failed_at = timestamp(row.get<std::optional<std::int64_t>>("first_failed_ms"));
  waited.failed_at = attempt_times(row.get<std::string>("failed_at"));
  return found;
}

}  // namespace

LetterRows::LetterRows(std::string consumer, const Dialect& dialect)
    : consumer_(std::move(consumer)),
      requested_(dialect.render(replaced(kRequested, "{first failed}",
                                         sql_epoch_milliseconds(dialect, "first_failed_at")))),
      next_due_(dialect.render(replaced(
          kNextDue, "{due in}", sql_milliseconds_until(dialect, "min(COALESCE(due_at, {now}))")))),
      resolve_(resolve_letter(dialect)),
      note_resolved_{dialect.render(kNoteResolvedEach), dialect.render(kNoteResolvedAll)},
      park_(set_letter_state(dialect, "parked").for_each_row),
      note_parked_(dialect.render(kNoteParked)) {}

std::vector<WaitingRecord> LetterRows::requested(OpenTransaction& tx,
                                                 const TopicPartition& partition,
                                                 std::size_t limit) const {
  std::vector<WaitingRecord> found;
  for (const auto row : tx.query(requested_, consumer_, partition.topic, partition.partition,
                                 static_cast<std::int64_t>(limit))) {
    found.push_back(waiting(row));
    found.back().waited.queue = queue_of(found.back().record);
  }
  return found;
}

std::vector<LetterRows::Request> LetterRows::next_due(OpenTransaction& tx,
                                                      const TopicPartition* only) const {
  std::vector<Request> found;
  for (const auto row :
       tx.query(next_due_, consumer_, only != nullptr ? only->topic : std::string(),
                only != nullptr ? only->partition : 0))
    found.push_back(
        {stored_partition(row), std::chrono::milliseconds{row.get<std::int64_t>("due_in")}});
  return found;
}

void LetterRows::resolve(OpenTransaction& tx, std::span<const std::int64_t> ids) const {
  if (ids.empty()) return;
  const std::vector<SqlParam> params(ids.begin(), ids.end());
  tx.query_bulk(resolve_, params, 1);
  tx.query_bulk(note_resolved_, params, 1);
}

void LetterRows::park(OpenTransaction& tx, std::int64_t id) const {
  tx.execute(park_, id);
  tx.execute(note_parked_, id);
}

}  // namespace kinbox

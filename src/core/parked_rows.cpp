#include "core/parked_rows.hpp"

#include <utility>

#include "core/attempt_times.hpp"
#include "core/error_group.hpp"
#include "core/header_codec.hpp"
#include "core/iso_time.hpp"
#include "core/outbox_place.hpp"
#include "core/replaced.hpp"
#include "core/sql_moment.hpp"
#include "core/storable_text.hpp"
#include "core/stored_record.hpp"

namespace kinbox {
namespace {

constexpr std::size_t kMaxErrorText = 8192;
constexpr std::size_t kMaxName = 512;

constexpr std::string_view kInsert =
    "INSERT INTO {kinbox}.parked_events (consumer, event_id, event_type, topic, topic_id, "
    "partition, record_offset, record_timestamp_ms, key, value, headers, fingerprint, reason, "
    "handler, error_type, error_code, error_text, attempts, first_failed_at, queue, "
    "dead_letter_id, imported, error_group, failed_at, due_at) VALUES ($1, $2, $3, $4, $5, $6, $7, "
    "$8, $9, "
    "$10, $11, $12, "
    "$13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $24, $25, {due})";

constexpr std::string_view kPostpone =
    "UPDATE {kinbox}.parked_events SET due_at = {due}, tries = $3, attempts = $4, reason = $5, "
    "handler = $6, error_type = $7, error_code = $8, error_text = $9, "
    "first_failed_at = COALESCE(first_failed_at, $10), error_group = $11, failed_at = $12 "
    "WHERE id = $1";
constexpr std::string_view kOnlyOneDue =
    "UPDATE {kinbox}.parked_events SET due_at = NULL WHERE consumer = $1 AND topic = $2 "
    "AND partition = $3 AND queue = $4 AND id <> $5 AND due_at IS NOT NULL";

constexpr std::string_view kRemoveEach = "DELETE FROM {kinbox}.parked_events WHERE id = $1";
constexpr std::string_view kRemoveAll =
    "DELETE FROM {kinbox}.parked_events WHERE id = ANY ($1::bigint[])";

constexpr std::string_view kPromote =
    "UPDATE {kinbox}.parked_events SET due_at = {now} WHERE id = ("
    "SELECT id FROM {kinbox}.parked_events WHERE consumer = $1 AND topic = $2 AND partition = $3 "
    "AND queue = $4 ORDER BY record_offset LIMIT 1)";

constexpr std::string_view kHurry =
    "UPDATE {kinbox}.parked_events SET due_at = {now} WHERE id = $1";
constexpr std::string_view kSetApart =
    "UPDATE {kinbox}.parked_events SET queue = $2, due_at = {now} WHERE id = $1";

constexpr std::string_view kSeenAgain =
    "UPDATE {kinbox}.parked_events SET seen_again = seen_again + 1 "
    "WHERE consumer = $1 AND event_id = $2";

constexpr std::string_view kHandCount =
    "UPDATE {kinbox}.letters SET seen_again = seen_again + "
    "(SELECT seen_again FROM {kinbox}.parked_events WHERE id = $1) "
    "WHERE id = (SELECT dead_letter_id FROM {kinbox}.parked_events WHERE id = $1)";

constexpr std::string_view kDue =
    "SELECT p.id, p.event_id, p.event_type, p.topic, p.partition, p.record_offset, "
    "p.record_timestamp_ms, p.key, "
    "p.value, p.headers, p.queue, p.attempts, p.tries, p.crashes, p.dead_letter_id, p.imported, "
    "p.failed_at, {first failed} AS first_failed_ms FROM ("
    "SELECT queue, min(due_at) AS due_at FROM {kinbox}.parked_events "
    "WHERE consumer = $1 AND topic = $2 AND partition = $3 AND due_at <= (SELECT {now}) "
    "GROUP BY queue ORDER BY min(due_at) LIMIT $4) AS q "
    "JOIN {kinbox}.parked_events AS p ON p.consumer = $1 AND p.topic = $2 AND p.partition = $3 "
    "AND p.queue = q.queue ORDER BY q.due_at, p.queue, p.record_offset LIMIT $4";

constexpr std::string_view kQueues =
    "SELECT topic, partition, queue, count(*) AS waiting, {due in} AS due_in "
    "FROM {kinbox}.parked_events WHERE consumer = $1 "
    "AND ($2 = '' OR (topic = $2 AND partition = $3)) GROUP BY topic, partition, queue";

QueueId queue_of(std::string_view topic, std::int32_t partition, Offset offset,
                 std::optional<Bytes> key) {
  if (key) return outbox_place(topic, as_text(*key)).hash;
  return lone_queue({std::string(topic), partition}, offset);
}

std::optional<std::string> time_text(std::optional<Timestamp> time) {
  if (!time) return std::nullopt;
  return iso_text(*time);
}

}  // namespace

QueueId queue_of(const Record& record) {
  return queue_of(record.topic(), record.partition(), record.offset(), record.key());
}

QueueId queue_of(const OwnedRecord& record) {
  const auto key = record.key ? std::optional(as_bytes(*record.key)) : std::nullopt;
  return queue_of(record.topic, record.partition, record.offset, key);
}

QueueId lone_queue(const TopicPartition& partition, Offset offset) {
  return outbox_place(partition.topic,
                      std::to_string(partition.partition) + '/' + std::to_string(offset))
      .hash;
}

ParkedRows::ParkedRows(std::string consumer, const Dialect& dialect)
    : consumer_(std::move(consumer)),
      insert_(dialect.render(replaced(kInsert, "{due}", sql_moment(dialect, "$23")))),
      postpone_(dialect.render(replaced(kPostpone, "{due}", sql_moment(dialect, "$2")))),
      only_one_due_(dialect.render(kOnlyOneDue)),
      remove_{dialect.render(kRemoveEach), dialect.render(kRemoveAll)},
      promote_(dialect.render(kPromote)),
      hurry_(dialect.render(kHurry)),
      set_apart_(dialect.render(kSetApart)),
      seen_again_(dialect.render(kSeenAgain)),
      hand_count_(dialect.render(kHandCount)),
      due_(dialect.render(
          replaced(kDue, "{first failed}", sql_epoch_milliseconds(dialect, "p.first_failed_at")))),
      queues_(dialect.render(
          replaced(kQueues, "{due in}", sql_milliseconds_until(dialect, "min(due_at)")))) {}

void ParkedRows::add(OpenTransaction& tx, const Parking& parking) const {
  const auto& record = *parking.record;
  const auto& failure = *parking.failure;
  std::optional<std::int64_t> due_in;
  if (parking.due_in) due_in = parking.due_in->count();
  tx.execute(insert_, consumer_, parking.event->id(), parking.event->type(), record.topic(),
             parking.topic_id, record.partition(), record.offset(),
             milliseconds(record.timestamp()), record.key(), record.value(),
             encode_headers(record.headers()), parking.event->fingerprint().bytes(), failure.reason,
             storable_text(failure.handler, kMaxName), storable_text(failure.error_type, kMaxName),
             storable_text(failure.error_code, kMaxName),
             storable_text(failure.error_text, kMaxErrorText), failure.attempts,
             time_text(failure.first_failed_at), queue_of(record), parking.letter, parking.imported,
             due_in, error_group(failure), attempt_times_text(failure.failed_at));
}

void ParkedRows::postpone(OpenTransaction& tx, const TopicPartition& partition,
                          const Waited& waited, const Failure& failure, int tries,
                          std::chrono::milliseconds due_in) const {
  tx.execute(postpone_, waited.id, due_in.count(), tries, failure.attempts, failure.reason,
             storable_text(failure.handler, kMaxName), storable_text(failure.error_type, kMaxName),
             storable_text(failure.error_code, kMaxName),
             storable_text(failure.error_text, kMaxErrorText), time_text(failure.first_failed_at),
             error_group(failure), attempt_times_text(failure.failed_at));
  tx.execute(only_one_due_, consumer_, partition.topic, partition.partition, waited.queue,
             waited.id);
}

void ParkedRows::remove(OpenTransaction& tx, std::span<const std::int64_t> ids) const {
  const std::vector<SqlParam> params(ids.begin(), ids.end());
  if (!ids.empty()) tx.query_bulk(remove_, params, 1);
}

void ParkedRows::promote(OpenTransaction& tx, const TopicPartition& partition,
                         QueueId queue) const {
  tx.execute(promote_, consumer_, partition.topic, partition.partition, queue);
}

void ParkedRows::hurry(OpenTransaction& tx, const TopicPartition& partition, QueueId queue,
                       std::int64_t id) const {
  tx.execute(hurry_, id);
  tx.execute(only_one_due_, consumer_, partition.topic, partition.partition, queue, id);
}

void ParkedRows::set_apart(OpenTransaction& tx, const TopicPartition& partition, std::int64_t id,
                           Offset offset) const {
  tx.execute(set_apart_, id, lone_queue(partition, offset));
}

void ParkedRows::hand_count_to_letter(OpenTransaction& tx, std::int64_t id) const {
  tx.execute(hand_count_, id);
}

void ParkedRows::note_seen_again(OpenTransaction& tx, std::string_view event_id) const {
  tx.execute(seen_again_, consumer_, event_id);
}

std::vector<WaitingRecord> ParkedRows::due(OpenTransaction& tx, const TopicPartition& partition,
                                           std::size_t limit) const {
  std::vector<WaitingRecord> found;
  for (const auto row : tx.query(due_, consumer_, partition.topic, partition.partition,
                                 static_cast<std::int64_t>(limit))) {
    Waited waited{.place = Waited::Place::kParked,
                  .id = row.get<std::int64_t>("id"),
                  .queue = row.get<std::int64_t>("queue"),
                  .recorded = Verdict::kParked,
                  .tries = static_cast<int>(row.get<std::int64_t>("tries")),
                  .crashes = row.get<std::int64_t>("crashes"),
                  .letter = row.get<std::optional<std::int64_t>>("dead_letter_id")};
    if (!row.get<bool>("imported")) waited.counted = Verdict::kParked;
    waited.attempts = static_cast<int>(row.get<std::int64_t>("attempts"));
    waited.first_failed_at = timestamp(row.get<std::optional<std::int64_t>>("first_failed_ms"));
    waited.failed_at = attempt_times(row.get<std::string>("failed_at"));
    found.push_back({std::move(waited), row.get<std::string>("event_id"),
                     row.get<std::string>("event_type"), stored_record(row)});
  }
  return found;
}

std::vector<ParkedRows::Queue> ParkedRows::queues(OpenTransaction& tx,
                                                  const TopicPartition* only) const {
  std::vector<Queue> found;
  for (const auto row : tx.query(queues_, consumer_, only != nullptr ? only->topic : std::string(),
                                 only != nullptr ? only->partition : 0)) {
    std::optional<std::chrono::milliseconds> due_in;
    if (const auto ms = row.get<std::optional<std::int64_t>>("due_in"))
      due_in = std::chrono::milliseconds{*ms};
    found.push_back({stored_partition(row), row.get<std::int64_t>("queue"),
                     static_cast<std::size_t>(row.get<std::int64_t>("waiting")), due_in});
  }
  return found;
}

}  // namespace kinbox

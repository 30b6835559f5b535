#include <map>
#include <set>
#include <utility>

#include "cli/parked/parked_desk.hpp"
#include "core/error_group.hpp"
#include "core/event_body.hpp"
#include "core/header_codec.hpp"

namespace kinbox::cli {
namespace {

// Imported letters are in no counter, also while they wait.
constexpr std::string_view kRead =
    "SELECT p.event_id, p.event_type, p.topic, p.topic_id, p.partition, p.record_offset, "
    "p.record_timestamp_ms, p.key, p.value, p.headers, p.reason, p.handler, p.error_type, "
    "p.error_code, p.error_text, p.attempts, p.queue, p.dead_letter_id, "
    "CASE WHEN EXISTS (SELECT 1 FROM {kinbox}.dead_letters AS d WHERE d.id = p.dead_letter_id "
    "AND d.imported) THEN 0 ELSE 1 END AS counted "
    "FROM {kinbox}.parked_events AS p WHERE p.id = $1";

constexpr std::string_view kVerdict =
    "UPDATE {kinbox}.processed_events SET verdict = 'dead', processed_at = {now} "
    "WHERE consumer = $1 AND event_id = $2 AND verdict = 'parked'";

// What the letter's writer does not know of a parked event.
constexpr std::string_view kCarryOver =
    "UPDATE {kinbox}.dead_letters SET "
    "first_failed_at = (SELECT first_failed_at FROM {kinbox}.parked_events WHERE id = $1), "
    "seen_again = (SELECT seen_again FROM {kinbox}.parked_events WHERE id = $1) "
    "WHERE consumer = $2 AND topic = $3 AND topic_id = $4 AND partition = $5 "
    "AND record_offset = $6 RETURNING id";

constexpr std::string_view kReopen =
    "UPDATE {kinbox}.dead_letters SET state = 'open', due_at = NULL, changed_at = {now}, "
    "redrive_count = redrive_count + 1, reason = $2, handler = $3, error_type = $4, "
    "error_code = $5, error_text = $6, error_group = $7, attempts = $8, dead_at = {now} "
    "WHERE id = $1";

constexpr std::string_view kRemove = "DELETE FROM {kinbox}.parked_events WHERE id = $1";

// Nothing to do where the first of the queue is still there.
constexpr std::string_view kPromote =
    "UPDATE {kinbox}.parked_events SET due_at = {now} WHERE id = ("
    "SELECT id FROM {kinbox}.parked_events WHERE consumer = $1 AND topic = $2 AND partition = $3 "
    "AND queue = $4 ORDER BY record_offset, id LIMIT 1) "
    "AND NOT EXISTS (SELECT 1 FROM {kinbox}.parked_events WHERE consumer = $1 AND topic = $2 "
    "AND partition = $3 AND queue = $4 AND due_at IS NOT NULL)";

constexpr std::string_view kCount =
    "UPDATE {kinbox}.consumer_progress SET parked = parked - $4, dead = dead + $4 "
    "WHERE consumer = $1 AND topic = $2 AND partition = $3";

std::optional<std::string> bytes(const Row& row, std::string_view column) {
  const auto value = row.get<std::optional<ByteVector>>(column);
  if (!value) return std::nullopt;
  return std::string(as_text(*value));
}

OwnedRecord record_of(const Row& row) {
  OwnedRecord record;
  record.topic = row.get<std::string>("topic");
  record.partition = static_cast<std::int32_t>(row.get<std::int64_t>("partition"));
  record.offset = row.get<std::int64_t>("record_offset");
  if (const auto ms = row.get<std::optional<std::int64_t>>("record_timestamp_ms"))
    record.timestamp = Timestamp(std::chrono::milliseconds(*ms));
  record.key = bytes(row, "key");
  record.value = bytes(row, "value");
  record.headers = decode_headers(row.get<std::string>("headers"));
  return record;
}

Failure failure_of(const Row& row) {
  return {.reason = row.get<std::string>("reason"),
          .handler = row.get<std::string>("handler"),
          .error_type = row.get<std::string>("error_type"),
          .error_code = row.get<std::string>("error_code"),
          .error_text = row.get<std::string>("error_text"),
          .attempts = static_cast<int>(row.get<std::int64_t>("attempts")),
          .first_failed_at = std::nullopt};
}

Fingerprint fingerprint_of(const Record& record) {
  const auto value = record.value();
  return Fingerprint::of(value ? std::optional(without_schema_prefix(*value)) : std::nullopt);
}

/// Writes the letters of one consumer's parked events.
class Undertaker {
 public:
  Undertaker(OpenTransaction& tx, const DeadLetters::Options& options)
      : tx_(tx), consumer_(options.consumer), letters_(options, tx.dialect()) {}

  /// The letter's id; nullopt if the event is gone.
  std::optional<std::int64_t> bury(std::int64_t id) {
    const auto rows = tx_.query(tx_.dialect().render(kRead), id);
    if (rows.empty()) return std::nullopt;
    const auto row = rows[0];
    const Record record(record_of(row));
    run(kVerdict, consumer_, row.get<std::string>("event_id"));
    const auto former = row.get<std::optional<std::int64_t>>("dead_letter_id");
    const auto letter = former ? reopened(*former, row) : written(id, record, row);
    run(kRemove, id);
    queues_.insert({record.topic_partition(), row.get<std::int64_t>("queue")});
    counts_[record.topic_partition()] += row.get<std::int64_t>("counted");
    return letter;
  }

  void settle() {
    for (const auto& [partition, queue] : queues_)
      run(kPromote, consumer_, partition.topic, partition.partition, queue);
    for (const auto& [partition, count] : counts_)
      run(kCount, consumer_, partition.topic, partition.partition, count);
  }

 private:
  std::int64_t reopened(std::int64_t letter, const Row& row) {
    const auto failure = failure_of(row);
    run(kReopen, letter, failure.reason, failure.handler, failure.error_type, failure.error_code,
        failure.error_text, error_group(failure), failure.attempts);
    return letter;
  }

  std::int64_t written(std::int64_t id, const Record& record, const Row& row) {
    const Event event(record, {.id = row.get<std::string>("event_id"),
                               .type = row.get<std::string>("event_type"),
                               .payload = std::nullopt,
                               .unwrapped = std::nullopt,
                               .fingerprint = fingerprint_of(record)});
    const auto topic_id = row.get<std::string>("topic_id");
    letters_.write(
        tx_,
        {.record = &record, .event = &event, .failure = failure_of(row), .topic_id = topic_id});
    return tx_
        .query(tx_.dialect().render(kCarryOver), id, consumer_, record.topic(), topic_id,
               record.partition(), record.offset())[0]
        .get<std::int64_t>(0);
  }

  template <typename... Args>
  void run(std::string_view sql, const Args&... args) {
    tx_.execute(tx_.dialect().render(sql), args...);
  }

  OpenTransaction& tx_;
  std::string consumer_;
  DeadLetters letters_;
  std::set<std::pair<TopicPartition, std::int64_t>> queues_;
  std::map<TopicPartition, std::int64_t> counts_;
};

}  // namespace

std::vector<std::int64_t> make_dead(OpenTransaction& tx, std::span<const std::int64_t> ids,
                                    const DeadLetters::Options& options) {
  Undertaker undertaker(tx, options);
  std::vector<std::int64_t> letters;
  for (const auto id : ids)
    if (const auto letter = undertaker.bury(id)) letters.push_back(*letter);
  undertaker.settle();
  return letters;
}

}  // namespace kinbox::cli

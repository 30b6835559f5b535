#include <map>
#include <set>
#include <utility>

#include "cli/parked/parked_desk.hpp"
#include "core/attempt_times.hpp"
#include "core/event_body.hpp"
#include "core/letter_states.hpp"
#include "core/parked_rows.hpp"
#include "core/replaced.hpp"
#include "core/sql_moment.hpp"
#include "core/stored_record.hpp"
#include "kinbox/inbox.hpp"

namespace kinbox::cli {
namespace {

constexpr std::string_view kRead =
    "SELECT p.event_id, p.event_type, p.topic, p.topic_id, p.partition, p.record_offset, "
    "p.record_timestamp_ms, p.key, p.value, p.headers, p.reason, p.handler, p.error_type, "
    "p.error_code, p.error_text, p.attempts, p.failed_at, {first failed} AS first_failed_ms, "
    "p.dead_letter_id, p.imported FROM {kinbox}.parked_events AS p WHERE p.id = $1";

constexpr std::string_view kLetterOf =
    "SELECT id FROM {kinbox}.letters WHERE consumer = $1 AND topic = $2 AND topic_id = $3 "
    "AND partition = $4 AND record_offset = $5";

constexpr std::string_view kCount =
    "UPDATE {kinbox}.consumer_progress SET parked = parked - $4, dead = dead + $4 "
    "WHERE consumer = $1 AND topic = $2 AND partition = $3";

Failure failure_of(const Row& row) {
  return {.reason = row.get<std::string>("reason"),
          .handler = row.get<std::string>("handler"),
          .error_type = row.get<std::string>("error_type"),
          .error_code = row.get<std::string>("error_code"),
          .error_text = row.get<std::string>("error_text"),
          .attempts = static_cast<int>(row.get<std::int64_t>("attempts")),
          .first_failed_at = timestamp(row.get<std::optional<std::int64_t>>("first_failed_ms")),
          .failed_at = attempt_times(row.get<std::string>("failed_at"))};
}

Fingerprint fingerprint_of(const Record& record) {
  const auto value = record.value();
  return Fingerprint::of(value ? std::optional(without_schema_prefix(*value)) : std::nullopt);
}

/// Writes the letters of one consumer's parked events.
class Undertaker {
 public:
  Undertaker(OpenTransaction& tx, const DeadLetters::Options& options)
      : tx_(tx),
        consumer_(options.consumer),
        inbox_(consumer_, tx.dialect()),
        parked_(consumer_, tx.dialect()),
        letters_(options, tx.dialect()),
        read_(tx.dialect().render(replaced(
            kRead, "{first failed}", sql_epoch_milliseconds(tx.dialect(), "p.first_failed_at")))) {}

  /// The letter's id; nullopt if the event is gone.
  std::optional<std::int64_t> bury(std::int64_t id) {
    const auto rows = tx_.query(read_, id);
    if (rows.empty()) return std::nullopt;
    const auto row = rows[0];
    const Record record(stored_record(row));
    const auto event_id = row.get<std::string>("event_id");
    verdicts_.push_back(event_id);
    const auto former = row.get<std::optional<std::int64_t>>("dead_letter_id");
    const auto letter = former ? reopened(id, *former, record, row) : written(id, record, row);
    gone_.push_back(id);
    partitions_.insert(record.topic_partition());
    // Imported letters are in no counter, also while they wait.
    if (!row.get<bool>("imported")) ++counts_[record.topic_partition()];
    return letter;
  }

  void settle() {
    std::vector<Inbox::Change> changes;
    for (const auto& id : verdicts_) changes.push_back({id, Verdict::kParked, Verdict::kDead});
    inbox_.change(tx_, changes);
    parked_.remove(tx_, gone_);
    for (const auto& partition : partitions_)
      for (const auto& queue : parked_.queues(tx_, &partition))
        if (!queue.due_in) parked_.promote(tx_, partition, queue.id);
    for (const auto& [partition, count] : counts_)
      tx_.execute(tx_.dialect().render(kCount), consumer_, partition.topic, partition.partition,
                  count);
  }

 private:
  std::int64_t reopened(std::int64_t id, std::int64_t letter, const Record& record,
                        const Row& row) {
    const auto failure = failure_of(row);
    if (failure.attempts > 0)
      letters_.reopen(tx_, letter, record, failure);
    else  // Nothing was tried since it was requested: its error is the one it died of.
      tx_.execute(set_letter_state(tx_.dialect(), "open").for_each_row, letter);
    parked_.hand_count_to_letter(tx_, id);
    return letter;
  }

  std::int64_t written(std::int64_t id, const Record& record, const Row& row) {
    const Event event(record, {.id = row.get<std::string>("event_id"),
                               .type = row.get<std::string>("event_type"),
                               .payload = std::nullopt,
                               .unwrapped = std::nullopt,
                               .fingerprint = fingerprint_of(record)});
    const auto topic_id = row.get<std::string>("topic_id");
    letters_.write(tx_, {.record = &record,
                         .event = &event,
                         .failure = failure_of(row),
                         .topic_id = topic_id,
                         .parked = id});
    return tx_
        .query(tx_.dialect().render(kLetterOf), consumer_, record.topic(), topic_id,
               record.partition(), record.offset())[0]
        .get<std::int64_t>(0);
  }

  OpenTransaction& tx_;
  std::string consumer_;
  Inbox inbox_;
  ParkedRows parked_;
  DeadLetters letters_;
  std::string read_;
  std::vector<std::string> verdicts_;
  std::vector<std::int64_t> gone_;
  std::set<TopicPartition> partitions_;
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

#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/waited.hpp"
#include "kinbox/dead_letter.hpp"
#include "kinbox/event.hpp"
#include "kinbox/parked_queues.hpp"
#include "kinbox/transaction.hpp"

namespace kinbox {

/// The queue of a record: by topic and key; one of its own for a record without a key.
QueueId queue_of(const Record& record);
QueueId queue_of(const OwnedRecord& record);
/// The queue of a record that waits as if it had no key.
QueueId lone_queue(const TopicPartition& partition, Offset offset);

/// The rows of `parked_events` of one consumer. Writes inside the caller's transaction.
///
/// Within a queue the order is that of the offsets. Only one row of it has a `due_at`, mostly the
/// first; the queue is due when that is.
class ParkedRows {
 public:
  ParkedRows(std::string consumer, const Dialect& dialect);

  struct Parking {
    const Record* record = nullptr;
    const Event* event = nullptr;
    std::string_view topic_id = {};
    const Failure* failure = nullptr;
    /// Of the first of a queue: until it is tried.
    std::optional<std::chrono::milliseconds> due_in = {};
    /// Of an event that was a dead letter.
    std::optional<std::int64_t> letter = {};
    bool imported = false;
  };
  void add(OpenTransaction& tx, const Parking& parking) const;

  /// A try failed: the row, which is the first of its queue, is due again in `due_in`.
  void postpone(OpenTransaction& tx, const TopicPartition& partition, const Waited& waited,
                const Failure& failure, int tries, std::chrono::milliseconds due_in) const;
  void remove(OpenTransaction& tx, std::span<const std::int64_t> ids) const;
  /// The first row that is left in the queue, if there is one, is due now.
  void promote(OpenTransaction& tx, const TopicPartition& partition, QueueId queue) const;
  /// Row `id` of the queue, its first, is due now.
  void hurry(OpenTransaction& tx, const TopicPartition& partition, QueueId queue,
             std::int64_t id) const;
  /// Row `id` waits alone from now on, and is due.
  void set_apart(OpenTransaction& tx, const TopicPartition& partition, std::int64_t id,
                 Offset offset) const;
  /// A record came again whose event waits.
  void note_seen_again(OpenTransaction& tx, std::string_view event_id) const;
  /// Row `id` is to be removed: the letter that waited there, if there is one, goes on counting.
  void hand_count_to_letter(OpenTransaction& tx, std::int64_t id) const;

  /// The events of queues that are due, queue after queue, the longest due first, each in order. At
  /// most `limit`.
  std::vector<WaitingRecord> due(OpenTransaction& tx, const TopicPartition& partition,
                                 std::size_t limit) const;

  struct Queue {
    TopicPartition partition;
    QueueId id = 0;
    std::size_t waiting = 0;
    /// Absent where no row is due: somebody removed the first one.
    std::optional<std::chrono::milliseconds> due_in;
  };
  /// All queues, or those of one partition.
  std::vector<Queue> queues(OpenTransaction& tx, const TopicPartition* only) const;

 private:
  std::string consumer_;
  std::string insert_;
  std::string postpone_;
  std::string only_one_due_;
  BulkStatement remove_;
  std::string promote_;
  std::string hurry_;
  std::string set_apart_;
  std::string seen_again_;
  std::string hand_count_;
  std::string due_;
  std::string queues_;
};

}  // namespace kinbox

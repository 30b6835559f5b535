#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <set>
#include <unordered_map>
#include <utility>

namespace kinbox {

/// Names the events that wait for each other: 64 bits of topic and key, or of the coordinates of a
/// record without a key. Two keys with the same bits share a queue, which keeps the order of both.
using QueueId = std::int64_t;

/// Which keys of one partition have parked events, as its owner keeps it in memory: what later
/// events of theirs must wait behind, and when the first of each queue is tried again. Not
/// thread-safe.
class ParkedQueues {
 public:
  using TimePoint = std::chrono::steady_clock::time_point;

  bool empty() const noexcept { return queues_.empty(); }
  bool holds(QueueId queue) const { return queues_.contains(queue); }
  /// Events that wait in `queue`, and in all of them.
  std::size_t waiting(QueueId queue) const;
  std::size_t waiting() const noexcept { return waiting_; }

  /// `events` more wait in `queue`; the first of a queue are due at `due`.
  void add(QueueId queue, std::size_t events, TimePoint due);
  /// One event less waits.
  void leave(QueueId queue);
  /// When the queue's first event is tried next.
  void set_due(QueueId queue, TimePoint due);
  std::optional<TimePoint> next_due() const;
  void clear();

 private:
  struct Queue {
    std::size_t waiting = 0;
    TimePoint due;
  };

  std::unordered_map<QueueId, Queue> queues_;
  std::set<std::pair<TimePoint, QueueId>> by_due_;
  std::size_t waiting_ = 0;
};

}  // namespace kinbox

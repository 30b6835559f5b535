#pragma once

#include <librdkafka/rdkafka.h>

#include <chrono>
#include <cstddef>
#include <span>

#include "kafka/handles.hpp"
#include "kinbox/record.hpp"

namespace kinbox::kafka {

/// Notices that a queue that was well filled is half empty.
class Ebb {
 public:
  using TimePoint = std::chrono::steady_clock::time_point;

  /// `waiting` is the queue's length now. True once for each fall, and seldom.
  bool fell(std::size_t waiting, TimePoint now);

 private:
  std::size_t highest_ = 0;
  TimePoint quiet_until_{};
};

/// Wakes a fetcher that sleeps although there is room in its queue again.
///
/// Before 2.2 librdkafka fetches nothing while `queued.min.messages` wait, and looks again after a
/// second, however soon they were taken. Any request to its broker wakes the fetcher earlier. From
/// 2.2 on it has `fetch.queue.backoff.ms`, and this does nothing.
class FetchNudge {
 public:
  /// Must be gone before `rk` is.
  explicit FetchNudge(rd_kafka_t* rk);

  /// Whether it is time to nudge. Cheap.
  bool is_due();
  /// Sends something to the leaders of `partitions`, and waits for no answer: a millisecond.
  void nudge(std::span<const TopicPartition> partitions);

 private:
  rd_kafka_t* rk_;
  /// Null if the library needs no help.
  QueueHandle queue_;
  Ebb ebb_;
};

}  // namespace kinbox::kafka

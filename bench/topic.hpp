#pragma once

#include <cstdint>
#include <string>

namespace kinbox::bench {

struct TopicContent {
  std::string topic;
  int partitions = 4;
  std::int64_t records = 0;
  /// The number of the first order. Other than 0: the topic is there, and the orders go behind its
  /// own.
  std::int64_t first = 0;
  /// Every so many records an earlier one comes again, as outbox relays and retries send them; 0:
  /// never.
  std::int64_t repeat_every = 0;

  /// Different events among the records.
  std::int64_t distinct() const {
    return repeat_every == 0 ? records : records - records / repeat_every;
  }
};

/// Creates the topic and fills it, keyed by order; returns when the broker has all of it. Throws
/// std::runtime_error if a topic that begins exists.
void produce(const std::string& brokers, const TopicContent& content);

}  // namespace kinbox::bench

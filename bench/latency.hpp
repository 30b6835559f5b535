#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

namespace kinbox::bench {

struct LatencyPlan {
  /// A configuration of kinbox with one consumer, which takes orders with shipped handlers. Its
  /// settings count, its topic and group do not.
  std::string config;
  /// Must not exist.
  std::string topic;
  /// Whether the consumer replies to each event, and the replies are read back from their topic,
  /// "TOPIC.replies".
  bool emitted = false;
  int rate = 1'000;
  std::chrono::seconds warm_up{2};
  std::chrono::seconds duration{20};
};

struct Latencies {
  /// From the call that produces an event to the end of the COMMIT that makes its effect visible,
  /// in ascending order, without those of the warm-up.
  std::vector<std::chrono::microseconds> sorted;
  /// The same to the moment when the event's reply was read from its topic; empty without replies.
  std::vector<std::chrono::microseconds> emitted = {};
  /// Of the whole run.
  std::int64_t transactions = 0;
};

/// Of ascending values; `share` from 0 to 1.
std::chrono::microseconds percentile(const std::vector<std::chrono::microseconds>& sorted,
                                     double share);

/// Sends events at `rate` to a topic of its own while `kinbox run` consumes them in this process,
/// as that command would. Throws std::runtime_error when some never took effect.
Latencies measure_latency(const LatencyPlan& plan);

}  // namespace kinbox::bench

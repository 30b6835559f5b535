#include "kafka/fetch_nudge.hpp"

#include <algorithm>

#include "kafka/log_queries.hpp"

namespace kinbox::kafka {
namespace {

/// One that was never longer comes and goes with every answer of a broker.
constexpr std::size_t kWellFilled = 5'000;
constexpr std::chrono::milliseconds kQuiet{50};
constexpr std::chrono::milliseconds kNoPatience{1};
constexpr int kHasQueueBackoff = 0x02020000;

}  // namespace

bool Ebb::fell(std::size_t waiting, TimePoint now) {
  highest_ = std::max(highest_, waiting);
  if (highest_ < kWellFilled || waiting > highest_ / 2 || now < quiet_until_) return false;
  highest_ = waiting;
  quiet_until_ = now + kQuiet;
  return true;
}

FetchNudge::FetchNudge(rd_kafka_t* rk)
    : rk_(rk),
      queue_(rd_kafka_version() < kHasQueueBackoff ? rd_kafka_queue_get_consumer(rk) : nullptr) {}

bool FetchNudge::is_due() {
  return queue_ && ebb_.fell(rd_kafka_queue_length(queue_.get()), std::chrono::steady_clock::now());
}

void FetchNudge::nudge(std::span<const TopicPartition> partitions) {
  readable_ends(rk_, partitions, kNoPatience);
}

}  // namespace kinbox::kafka

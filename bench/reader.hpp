#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string_view>
#include <vector>

#include "kafka/handles.hpp"
#include "task.hpp"

namespace kinbox::bench {

inline std::string_view value_of(const rd_kafka_message_t& message) {
  return {static_cast<const char*>(message.payload), message.len};
}

/// What a hand-written loop has around librdkafka, and no more: a member of the group that polls
/// batches and tells Kafka how far it is. The client's settings are those of kinbox, so that the
/// loops are compared and not the settings.
class Reader {
 public:
  /// Where to start a partition that was just assigned: an offset, or RD_KAFKA_OFFSET_STORED for
  /// what Kafka was told last.
  using StartAt = std::function<std::int64_t(std::int32_t partition)>;

  /// Throws std::runtime_error.
  Reader(const Task& task, StartAt start_at);
  Reader(const Reader&) = delete;
  Reader& operator=(const Reader&) = delete;
  ~Reader();

  /// Up to kBatch records; waits kPollMilliseconds for the first. Serves rebalances. Throws what
  /// the start position threw, and std::runtime_error on a consumer error.
  std::vector<kafka::MessageHandle> poll();

  /// Everything polled up to now is stored: tells Kafka, without waiting.
  void tell();

 private:
  static void on_rebalance(rd_kafka_t*, rd_kafka_resp_err_t, rd_kafka_topic_partition_list_t*,
                           void* self);
  void assign(rd_kafka_topic_partition_list_t& partitions);
  void revoke();
  void commit_stored(bool asynchronously);

  using Offsets = std::map<std::int32_t, std::int64_t>;

  std::string topic_;
  StartAt start_at_;
  /// Behind what was polled, and behind what is stored.
  Offsets next_;
  Offsets stored_;
  bool revoked_ = false;
  std::exception_ptr failure_;
  kafka::ClientHandle client_;
};

}  // namespace kinbox::bench

#pragma once

#include <librdkafka/rdkafka.h>

#include <chrono>
#include <map>
#include <optional>
#include <span>

#include "kafka/handles.hpp"
#include "kafka/voice.hpp"
#include "kinbox/source.hpp"

namespace kinbox::kafka {

/// Commits offsets to the group's coordinator, one commit at a time.
///
/// With several under way the coordinator may write them in the wrong order. While one is, the
/// newest position of each partition waits. What was refused waits as well, for the next occasion.
/// Never blocks, `flush` excepted: librdkafka's synchronous commit has no bound.
class Teller {
 public:
  Teller(rd_kafka_t* rk, Voice& voice);
  Teller(const Teller&) = delete;
  Teller& operator=(const Teller&) = delete;

  void tell(std::span<const PartitionOffset> positions);
  /// Takes in results and sends what waits.
  void serve();
  /// Sends what waits and awaits the results, until `deadline` at most.
  void flush(std::chrono::steady_clock::time_point deadline);
  /// The partition is not ours any more.
  void forget(const TopicPartition& partition);

 private:
  using Positions = std::map<TopicPartition, Offset>;

  static void on_result(rd_kafka_t* rk, rd_kafka_resp_err_t error,
                        rd_kafka_topic_partition_list_t* offsets, void* teller);
  void take_result(rd_kafka_resp_err_t error, const rd_kafka_topic_partition_list_t* offsets);
  void send();
  std::optional<Offset> newest(const TopicPartition& partition) const;

  rd_kafka_t* rk_;
  Voice& voice_;
  QueueHandle results_;
  bool under_way_ = false;
  /// New since the last commit was sent.
  bool fresh_ = false;
  Positions waiting_;
  Positions sent_;
  Positions told_;
};

}  // namespace kinbox::kafka

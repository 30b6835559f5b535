#pragma once

#include <librdkafka/rdkafka.h>

#include <chrono>
#include <optional>
#include <string>

#include "kinbox/source.hpp"

namespace kinbox::kafka {

/// Questions to the broker. All wait until `timeout` at most and throw InfrastructureError when no
/// answer came.
std::optional<Offset> committed_offset(rd_kafka_t* rk, const TopicPartition& partition,
                                       std::chrono::milliseconds timeout);
LogRange log_range(rd_kafka_t* rk, const TopicPartition& partition,
                   std::chrono::milliseconds timeout);
Offset offset_at(rd_kafka_t* rk, const TopicPartition& partition, Timestamp time,
                 std::chrono::milliseconds timeout);
/// Empty where librdkafka or the broker cannot tell.
std::string topic_id(rd_kafka_t* rk, const std::string& topic, std::chrono::milliseconds timeout);
std::string cluster_id(rd_kafka_t* rk, std::chrono::milliseconds timeout);

}  // namespace kinbox::kafka

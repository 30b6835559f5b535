#pragma once

#include <librdkafka/rdkafka.h>

#include <chrono>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "kinbox/source.hpp"

namespace kinbox::kafka {

/// Questions to the broker. All wait until `timeout` at most and throw InfrastructureError when no
/// answer came.
std::optional<Offset> committed_offset(rd_kafka_t* rk, const TopicPartition& partition,
                                       std::chrono::milliseconds timeout);
LogRange log_range(rd_kafka_t* rk, const TopicPartition& partition,
                   std::chrono::milliseconds timeout);
/// Up to where each of them may be read: the last stable offset. nullopt for those of which nobody
/// answered. Never throws.
std::vector<std::optional<Offset>> readable_ends(rd_kafka_t* rk,
                                                 std::span<const TopicPartition> partitions,
                                                 std::chrono::milliseconds timeout);
Offset offset_at(rd_kafka_t* rk, const TopicPartition& partition, Timestamp time,
                 std::chrono::milliseconds timeout);
/// Empty where librdkafka or the broker cannot tell.
std::string topic_id(rd_kafka_t* rk, const std::string& topic, std::chrono::milliseconds timeout);
std::string cluster_id(rd_kafka_t* rk, std::chrono::milliseconds timeout);

}  // namespace kinbox::kafka

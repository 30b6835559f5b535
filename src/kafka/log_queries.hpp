#pragma once

#include <librdkafka/rdkafka.h>

#include <chrono>
#include <limits>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "kinbox/source.hpp"

namespace kinbox::kafka {

/// What a broker can be asked about partitions: the first offset at or behind a time in
/// milliseconds, or what the protocol has for special times.
using Question = std::int64_t;
constexpr Question kLogStart = RD_KAFKA_OFFSET_BEGINNING;
constexpr Question kLogEnd = RD_KAFKA_OFFSET_END;
/// What the group's coordinator was told.
constexpr Question kCommitted = std::numeric_limits<Question>::min();

struct Answer {
  /// Negative: there is none.
  Offset offset = -1;
  rd_kafka_resp_err_t error = RD_KAFKA_RESP_ERR_NO_ERROR;
};
using Answers = std::map<TopicPartition, Answer>;

/// Questions to the broker. All wait until `timeout` at most and throw InfrastructureError when no
/// answer came.
Answers ask_brokers(rd_kafka_t* rk, Question question, std::span<const TopicPartition> partitions,
                    std::chrono::milliseconds timeout);
/// The offset for `partition`. Throws InfrastructureError if its own broker could not tell.
Offset offset_for(const TopicPartition& partition, const Answers& answers);
/// Up to where each of them may be read: the last stable offset. nullopt for those of which nobody
/// answered. Never throws.
std::vector<std::optional<Offset>> readable_ends(rd_kafka_t* rk,
                                                 std::span<const TopicPartition> partitions,
                                                 std::chrono::milliseconds timeout);
/// Empty where librdkafka or the broker cannot tell.
std::string topic_id(rd_kafka_t* rk, const std::string& topic, std::chrono::milliseconds timeout);
std::string cluster_id(rd_kafka_t* rk, std::chrono::milliseconds timeout);

}  // namespace kinbox::kafka

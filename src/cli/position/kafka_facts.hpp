#pragma once

#include <chrono>
#include <map>
#include <span>
#include <string>

#include "cli/position/position_desk.hpp"
#include "kinbox/kafka/groups.hpp"
#include "kinbox/kafka/settings.hpp"
#include "kinbox/source.hpp"

namespace kinbox::cli {

/// What Kafka says of partitions that the database has positions of.
struct KafkaFacts {
  std::map<TopicPartition, LogRange> logs;
  /// By group.
  std::map<std::string, std::map<TopicPartition, kafka::GroupOffset>> committed;
  /// Why the rest is not known, a sentence each; empty when all is.
  std::vector<std::string> missing;
};

/// Asks as much as the brokers answer, each question within `patience`; nothing more once one went
/// unanswered. Never throws for want of answers.
KafkaFacts ask_kafka(const kafka::Settings& settings, std::span<const StoredPosition> positions,
                     std::chrono::milliseconds patience);

}  // namespace kinbox::cli

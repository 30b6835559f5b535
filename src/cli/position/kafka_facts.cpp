#include "cli/position/kafka_facts.hpp"

#include <vector>

#include "kinbox/errors.hpp"
#include "kinbox/kafka/log_reader.hpp"

namespace kinbox::cli {
namespace {

using ByName = std::map<std::string, std::vector<TopicPartition>>;

ByName by_topic(std::span<const StoredPosition> positions) {
  std::map<std::string, std::map<TopicPartition, bool>> sorted;
  for (const auto& position : positions) sorted[position.partition.topic][position.partition];
  ByName topics;
  for (const auto& [topic, partitions] : sorted)
    for (const auto& [partition, unused] : partitions) topics[topic].push_back(partition);
  return topics;
}

ByName by_group(std::span<const StoredPosition> positions) {
  ByName groups;
  for (const auto& position : positions)
    if (!position.group.empty()) groups[position.group].push_back(position.partition);
  return groups;
}

/// Puts one question per name. False when nobody answered.
template <typename Question>
bool put(const ByName& names, KafkaFacts& facts, const Question& question) {
  for (const auto& [name, partitions] : names) {
    try {
      question(name, partitions);
    } catch (const InfrastructureError& e) {
      facts.missing.push_back(e.what());
      return false;
    } catch (const ConfigurationError& e) {
      // This one is not there, or forbidden; others may be.
      facts.missing.push_back(e.what());
    }
  }
  return true;
}

}  // namespace

KafkaFacts ask_kafka(const kafka::Settings& settings, std::span<const StoredPosition> positions,
                     std::chrono::milliseconds patience) {
  KafkaFacts facts;
  if (positions.empty()) return facts;
  kafka::LogReader reader(settings, patience);
  const bool answered = put(by_topic(positions), facts, [&](const auto&, const auto& partitions) {
    facts.logs.merge(reader.ranges(partitions));
  });
  if (!answered) return facts;
  kafka::Groups groups(settings, patience);
  put(by_group(positions), facts, [&](const auto& group, const auto& partitions) {
    facts.committed[group] = groups.offsets(group, partitions);
  });
  return facts;
}

}  // namespace kinbox::cli

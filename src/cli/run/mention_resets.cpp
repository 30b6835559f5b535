#include "cli/run/mention_resets.hpp"

#include <chrono>
#include <vector>

#include "cli/position/foreign_offsets.hpp"
#include "kinbox/errors.hpp"
#include "kinbox/kafka/groups.hpp"

namespace kinbox::cli {
namespace {

constexpr std::chrono::milliseconds kPatience{3'000};

void mention(const ConsumerConfig& consumer, Database& database, kafka::Groups& groups,
             observe::Log& log) {
  std::vector<TopicPartition> partitions;
  for (const auto& position : stored_positions(database, consumer.name))
    partitions.push_back(position.partition);
  const auto committed = groups.offsets(consumer.group, partitions);
  // Read again, and behind Kafka's: another process that moves on meanwhile is nobody's reset.
  for (const auto& text : foreign_offsets(stored_positions(database, consumer.name), committed))
    log.write(consumer.name, {observe::LogLevel::kWarning, "offsets_reset", text});
}

}  // namespace

void mention_resets(std::span<const ConsumerConfig> consumers, const DatabaseFactory& databases,
                    const kafka::Settings& settings, observe::Log& log) {
  try {
    kafka::Groups groups(settings, kPatience);
    const auto database = databases();
    for (const auto& consumer : consumers) mention(consumer, *database, groups, log);
  } catch (const Error& e) {
    log.info("not_compared",
             std::string("whether somebody reset the groups' offsets in Kafka is not known: ") +
                 e.what());
  }
}

}  // namespace kinbox::cli

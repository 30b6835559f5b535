#include "cli/replay/replay_world.hpp"

#include <algorithm>

#include "cli/consumer_spec.hpp"
#include "cli/position/position_desk.hpp"
#include "core/coordinates_text.hpp"
#include "kinbox/errors.hpp"

namespace kinbox::cli {
namespace {

std::vector<ReplayPlan::HandlerInfo> handlers_of(const ConsumerSpec& spec) {
  std::vector<ReplayPlan::HandlerInfo> handlers;
  for (const auto& use : spec.handlers)
    handlers.push_back({use.spec.name, use.spec.event_types, use.spec.traits.reprocessable,
                        use.spec.traits.order_independent});
  std::ranges::sort(handlers, {}, &ReplayPlan::HandlerInfo::name);
  return handlers;
}

std::map<std::string, int> schema_of(Database& database, const Config& config,
                                     std::span<const HandlerSpec> handlers) {
  SchemaMigrator migrator(database, schema_components(config, handlers));
  migrator.require_current();
  std::map<std::string, int> versions;
  for (const auto& one : migrator.status())
    versions[one.component] = std::max(versions[one.component], one.version);
  return versions;
}

/// What of one partition is no longer as planned; empty if nothing.
std::string moved(const ReplayPlan::Partition& planned, const ReplayWorld& now) {
  const auto name = partition_text(planned.slice.partition);
  const auto found = now.partitions.find(planned.slice.partition);
  if (found == now.partitions.end()) return name + " has no position any more";
  const auto& partition = found->second;
  if (partition.topic_id != planned.topic_id)
    return "topic " + planned.slice.partition.topic + " was deleted and created anew";
  if (partition.log.start > planned.slice.begin)
    return "retention has deleted " + name + " up to " + std::to_string(partition.log.start) +
           ", the plan begins at " + std::to_string(planned.slice.begin);
  if (partition.log.end < planned.slice.end)
    return name + " ends at " + std::to_string(partition.log.end) + ", the plan at " +
           std::to_string(planned.slice.end) +
           ": its topic was deleted and created anew, or lost records";
  if (partition.live_position < planned.slice.end)
    return "the consumer's position in " + name + " is " + std::to_string(partition.live_position) +
           ", the plan ends at " + std::to_string(planned.slice.end);
  if (partition.trusted_from > planned.trusted_from)
    return "verdicts of " + name + " up to " + std::to_string(partition.trusted_from) +
           " may have been pruned since";
  return {};
}

}  // namespace

ReplayWorld look_at_world(const Config& config, const ConsumerConfig& consumer,
                          std::span<const HandlerSpec> handlers, Database& database,
                          kafka::LogReader& reader) {
  ReplayWorld world;
  world.schema = schema_of(database, config, handlers);
  world.handlers = handlers_of(make_spec(consumer, config, handlers));
  world.cluster = reader.cluster_id();
  std::map<std::string, std::string> topic_ids;
  std::vector<TopicPartition> partitions;
  for (const auto& stored : stored_positions(database, consumer.name)) {
    const auto& id = stored.partition;
    if (std::ranges::count(consumer.topics, id.topic) == 0) continue;
    if (!topic_ids.contains(id.topic)) topic_ids[id.topic] = reader.topic_id(id.topic);
    world.partitions[id] = {.topic_id = topic_ids[id.topic],
                            .log = {},
                            .live_position = stored.next_offset,
                            .trusted_from = stored.known_from()};
    partitions.push_back(id);
  }
  for (const auto& [id, log] : reader.ranges(partitions)) world.partitions[id].log = log;
  return world;
}

void require_same_world(const ReplayPlan& plan, const ReplayWorld& now) {
  std::vector<std::string> changes;
  if (plan.cluster != now.cluster)
    changes.push_back("the plan was made for cluster \"" + plan.cluster + "\", this is \"" +
                      now.cluster + '"');
  if (plan.schema != now.schema) changes.emplace_back("the database's schema is another");
  if (plan.handlers != now.handlers)
    changes.emplace_back("the consumer has other handlers, or they declare other things");
  for (const auto& planned : plan.partitions)
    if (auto change = moved(planned, now); !change.empty()) changes.push_back(std::move(change));
  if (changes.empty()) return;
  std::string text = "the world is no longer the one that was planned in";
  for (const auto& change : changes) text += "\n  " + change;
  throw RefusedError(text + "\nplan again with `kinbox replay plan`");
}

}  // namespace kinbox::cli

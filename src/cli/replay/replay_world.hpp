#pragma once

#include <map>
#include <span>
#include <string>
#include <vector>

#include "cli/config/config.hpp"
#include "core/replay/replay_plan.hpp"
#include "kinbox/database.hpp"
#include "kinbox/kafka/log_reader.hpp"

namespace kinbox::cli {

/// What a plan depends on, as it is now.
struct ReplayWorld {
  struct Partition {
    std::string topic_id;
    LogRange log;
    Offset live_position = 0;
    /// See ReplayPlan::Partition.
    Offset trusted_from = 0;
  };

  std::string cluster;
  std::map<std::string, int> schema;
  std::vector<ReplayPlan::HandlerInfo> handlers;
  /// The consumer's partitions that have a position.
  std::map<TopicPartition, Partition> partitions;
};

/// Asks database and broker. `handlers`: those of the binary.
ReplayWorld look_at_world(const Config& config, const ConsumerConfig& consumer,
                          std::span<const HandlerSpec> handlers, Database& database,
                          kafka::LogReader& reader);

/// Throws RefusedError, naming each thing, when the world is another one than the plan was made in:
/// another cluster, schema or handler, a topic that was created anew, records that are gone, a
/// position that was moved back.
void require_same_world(const ReplayPlan& plan, const ReplayWorld& now);

}  // namespace kinbox::cli

#pragma once

#include <string>
#include <vector>

#include "core/replay/replay_plan.hpp"
#include "kinbox/kafka/log_reader.hpp"

namespace kinbox::cli {

/// How the logs of a plan differ from those that bear their names now: by the ids of their topics,
/// and where brokers or client tell none, by the records that the plan remembers.
struct LogDifferences {
  /// Of partitions that are others.
  std::vector<std::string> others;
  /// Of partitions of which nobody knows: neither id nor any of the records is left.
  std::vector<std::string> unknown;
};

/// `reader` reads nothing else meanwhile. Throws InfrastructureError.
LogDifferences differences(const ReplayPlan& plan, kafka::LogReader& reader);

/// Throws RefusedError unless the logs are known to be those of the plan.
void require_same_logs(const ReplayPlan& plan, kafka::LogReader& reader);

}  // namespace kinbox::cli

#pragma once

#include <chrono>
#include <map>
#include <span>
#include <string>

#include "kinbox/kafka/settings.hpp"
#include "kinbox/source.hpp"

namespace kinbox::cli {

struct LogEnds {
  std::map<TopicPartition, Offset> ends;
  /// Why the rest is not known; empty when all is.
  std::string missing;
};

/// Where the partitions' logs end now, as far as the brokers say within `patience`. Joins no group.
LogEnds ask_log_ends(const kafka::Settings& settings, std::span<const TopicPartition> partitions,
                     std::chrono::milliseconds patience);

}  // namespace kinbox::cli

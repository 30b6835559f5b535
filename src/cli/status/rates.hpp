#pragma once

#include <chrono>
#include <map>
#include <optional>

#include "cli/status/progress_report.hpp"

namespace kinbox::cli {

/// Records per second, from how far positions went between two looks.
class Rates {
 public:
  using Clock = std::chrono::steady_clock;

  /// What is known with this look; nothing for a partition that the look before did not have, or
  /// whose position went back.
  std::map<std::pair<std::string, TopicPartition>, double> look(
      const std::vector<PartitionReport>& reports, Clock::time_point now);

 private:
  std::map<std::pair<std::string, TopicPartition>, Offset> positions_;
  std::optional<Clock::time_point> at_;
};

}  // namespace kinbox::cli

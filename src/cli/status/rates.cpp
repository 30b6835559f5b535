#include "cli/status/rates.hpp"

#include <cmath>

namespace kinbox::cli {

std::map<std::pair<std::string, TopicPartition>, double> Rates::look(
    const std::vector<PartitionReport>& reports, Clock::time_point now) {
  std::map<std::pair<std::string, TopicPartition>, double> rates;
  const double seconds =
      at_ ? std::chrono::duration_cast<std::chrono::duration<double>>(now - *at_).count() : 0;
  std::map<std::pair<std::string, TopicPartition>, Offset> positions;
  for (const auto& report : reports) {
    const std::pair id{report.consumer, report.partition};
    positions[id] = report.next_offset;
    const auto before = positions_.find(id);
    if (seconds <= 0 || before == positions_.end() || before->second > report.next_offset) continue;
    const auto records = static_cast<double>(report.next_offset - before->second);
    rates[id] = std::round(records / seconds * 10) / 10;
  }
  positions_ = std::move(positions);
  at_ = now;
  return rates;
}

}  // namespace kinbox::cli

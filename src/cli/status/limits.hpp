#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "cli/status/backlog.hpp"
#include "cli/status/log_view.hpp"
#include "cli/status/progress_report.hpp"

namespace kinbox::cli {

/// What `status --check` takes as well. What is not given has no limit, except dead letters.
struct Limits {
  std::optional<std::int64_t> lag = {};
  std::optional<std::int64_t> lag_seconds = {};
  /// Since an event first failed that is tried again in place.
  std::optional<std::int64_t> retry_seconds = {};
  /// Open ones, per partition.
  std::int64_t dead = 0;
  std::optional<std::int64_t> parked = {};
  std::optional<std::int64_t> outbox = {};
  std::optional<std::int64_t> mails = {};
};

/// Everything that one look of `status` found.
struct StatusLook {
  std::vector<PartitionReport> partitions;
  LogStates logs;
  Backlog backlog;
  /// When; what is behind in seconds is behind this.
  Timestamp at;

  /// How many offsets, and how many seconds, `partition` is behind; nullopt: nobody could tell.
  std::optional<std::int64_t> lag(const PartitionReport& partition) const;
  std::optional<std::int64_t> lag_seconds(const PartitionReport& partition) const;
};

/// One line for everything that is not as it should be: a partition that stands or whose owner is
/// not at work, and what exceeds its limit, or cannot be compared with it.
std::vector<std::string> not_clean(const StatusLook& look, const Limits& limits);

}  // namespace kinbox::cli

#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "kinbox/database.hpp"
#include "kinbox/rows.hpp"

namespace kinbox::cli {

/// The tables of replays, for the commands that look. A call is a transaction of its own; what
/// cannot be carried out throws InfrastructureError.
class ReplayView {
 public:
  explicit ReplayView(Database& database) : database_(database) {}

  /// The latest first: id, consumer, mode, state, state_reason, done, offsets, applied, known,
  /// dead, left_alone, silenced, generation, at_work, who, started_at, updated_at, ended_at.
  /// `active`: only those that are running or paused.
  Rows list(const std::string& consumer, bool active, std::int64_t limit);
  /// Partition by partition: replay, topic, partition, begin, next, end and the counters.
  Rows partitions(std::int64_t replay);

 private:
  Database& database_;
};

}  // namespace kinbox::cli

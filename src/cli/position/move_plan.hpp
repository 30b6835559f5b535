#pragma once

#include <map>
#include <span>
#include <string>
#include <vector>

#include "cli/position/position_desk.hpp"
#include "kinbox/source.hpp"

namespace kinbox::cli {

/// A move of a position, and what it means for records.
struct PlannedMove {
  Move move;
  /// In words: "800 records come again; those that were decided are duplicates".
  std::string meaning;
  /// Records come again of which nobody knows whether they were applied.
  bool unknown_again = false;
};

/// The moves that bring positions to `wanted`, each into its log where it lies outside. What is
/// there already does not move. `stored`: the consumer's positions.
std::vector<PlannedMove> plan_moves(const std::map<TopicPartition, Offset>& wanted,
                                    const std::map<TopicPartition, LogRange>& logs,
                                    std::span<const StoredPosition> stored);

/// "1 record", "800 records"
std::string counted_records(std::int64_t count);

}  // namespace kinbox::cli

#pragma once

#include <cstdint>
#include <string>

#include "kinbox/database.hpp"

namespace kinbox::testing {

/// How a topic agrees with the outbox rows that were to reach it.
struct EmittedTopic {
  std::int64_t rows = 0;
  /// Different ids among its records.
  std::int64_t events = 0;
  /// Records that came again under an id: allowed.
  std::int64_t copies = 0;
  /// Records that no row accounts for, or whose key or payload is another, and events that came
  /// before an older one of their key.
  std::int64_t faults = 0;
  /// The first faults, a line each.
  std::string text;
};

/// Reads `topic` to its end.
EmittedTopic compare_with_outbox(Database& database, const std::string& brokers,
                                 const std::string& topic, int partitions);

}  // namespace kinbox::testing

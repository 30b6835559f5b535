#pragma once

#include "kinbox/database.hpp"
#include "kinbox/rows.hpp"

namespace kinbox::cli {

/// The table `workers`, for commands that look.
class WorkerRows {
 public:
  explicit WorkerRows(Database& database) : database_(database) {}

  /// consumer, state ("at work" or "stale", by the database's clock), host, pid, version,
  /// partitions, started_at, seen_at, seen_until, owner. Throws InfrastructureError.
  Rows all();

 private:
  Database& database_;
};

}  // namespace kinbox::cli

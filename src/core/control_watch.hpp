#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "kinbox/database.hpp"
#include "kinbox/dispatcher.hpp"

namespace kinbox {

/// Looks now and then whether somebody else changed rows of our partitions (see Control): a batch
/// would notice, but there may be none for hours.
class ControlWatch {
 public:
  struct Parts {
    Database& database;
    std::string consumer;
    std::chrono::milliseconds interval{1'000};
  };

  explicit ControlWatch(Parts parts);

  /// Those of `partitions` whose control version is no longer that of our claim; nothing while it
  /// is not time to look. Throws InfrastructureError when the database is away.
  std::vector<OwnedPartition*> changed(OwnedPartitions& partitions);

 private:
  Parts parts_;
  std::string version_;
  std::string partitions_;
  std::chrono::steady_clock::time_point next_{};
  std::optional<std::int64_t> seen_;
};

}  // namespace kinbox

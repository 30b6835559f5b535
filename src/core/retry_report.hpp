#pragma once

#include <chrono>
#include <map>
#include <string>
#include <vector>

#include "kinbox/database.hpp"
#include "kinbox/dispatcher.hpp"

namespace kinbox {

/// One worker's rows in `retries`: others see by them which of its partitions try an event again in
/// place. They go with the worker's row in `workers`, which must be there.
///
/// Asks the database for nothing while no event fails, or while its next try is near.
class RetryReport {
 public:
  struct Parts {
    Database& database;
    /// As Progress has it.
    std::string owner;
    /// From an event's first failure to its next try; what is over sooner is not told. What was
    /// told is renewed no more often.
    std::chrono::milliseconds moment{1'000};
  };

  explicit RetryReport(Parts parts);

  /// Tells what has changed since it was told. In a transaction of its own: throws
  /// InfrastructureError when the database is away, and then tells it with the next call.
  void tell(const OwnedPartitions& partitions);

 private:
  using Clock = std::chrono::steady_clock;

  struct Told {
    Offset offset = 0;
    int attempts = 0;
    Clock::time_point at;
  };

  bool is_news(const OwnedPartition& partition) const;
  std::vector<TopicPartition> over(const OwnedPartitions& partitions) const;
  void write(OpenTransaction& tx, const OwnedPartition& partition) const;

  Parts parts_;
  std::string tell_;
  std::string forget_;
  std::map<TopicPartition, Told> told_;
};

}  // namespace kinbox

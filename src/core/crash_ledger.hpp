#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

#include "kinbox/database.hpp"
#include "kinbox/dispatcher.hpp"

namespace kinbox {

/// Finds the record that ends its process (a segmentation fault, an abort, a handler that never
/// comes back), which would otherwise do so for ever, and take its neighbours with it.
///
/// A partition whose last owner did not leave in order is under suspicion: as many records as one
/// batch holds run one at a time, each behind a committed mark that names it. A mark that its
/// process did not survive is charged to its record when the partition is taken (Progress::take);
/// so nothing is charged for what fails and comes back, for another record of the process, or for a
/// partition that is given up in order.
///
/// One dispatcher's, on its thread. Partitions that are not under suspicion cost nothing.
class CrashLedger {
 public:
  struct Parts {
    Database& database;
    std::string consumer;
    /// As of Progress.
    std::string owner;
    /// How many records of a partition run one at a time.
    std::size_t first_batch = 500;
    /// How many processes a record may end.
    std::int64_t max_crashes = 3;
  };

  explicit CrashLedger(Parts parts);

  static bool suspects(const OwnedPartition& partition) noexcept {
    return partition.claim.suspicion.has_value();
  }

  /// Why the record at `offset` must not run again, if it ended as many processes as it may.
  std::optional<Failure> verdict(const OwnedPartition& partition, Offset offset) const;

  /// The record at `offset` runs next, alone: marks it, durably enough for the end of this process.
  /// False when the partition's claim is no longer good. Throws InfrastructureError.
  bool begin(const OwnedPartition& partition, Offset offset);

  /// The process survived what it began last. To be said before it runs anything else, unless that
  /// was decided, which says so itself, or this ledger begins the next. Nothing if there is nothing
  /// to say.
  void survived();

  /// A record of a partition under suspicion was decided. Ends the suspicion after the last.
  void decided(OwnedPartition& partition);

 private:
  struct Mark {
    TopicPartition partition;
    std::int64_t epoch = 0;
  };

  Parts parts_;
  std::string begin_;
  std::string survived_;
  std::string clear_;
  std::optional<Mark> mark_;
};

}  // namespace kinbox

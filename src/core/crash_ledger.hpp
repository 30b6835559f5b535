#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

#include "core/batch.hpp"
#include "kinbox/database.hpp"
#include "kinbox/dispatcher.hpp"

namespace kinbox {

/// That of a record that was the last thing of so many processes.
Failure crashed(std::int64_t crashes);

/// Finds the record that ends its process (a segmentation fault, an abort, a handler that never
/// comes back), which would otherwise do so for ever, and take its neighbours with it.
///
/// A partition whose last owner did not leave in order is under suspicion: as many records as one
/// batch holds run one at a time, each behind a committed mark that names it. A mark that its
/// process did not survive is charged to its record when the partition is taken (Progress::take);
/// so nothing is charged for what fails and comes back, for another record of the process, or for a
/// partition that is given up in order.
///
/// What was set aside and is tried again may end its process as well. Its crashes are counted in
/// its own row, so that the records that pass meanwhile do not wipe them out, and as many of it run
/// one at a time besides.
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

  /// Whether `item` has to run alone.
  bool suspects(const BatchItem& item) const noexcept;

  /// Why `item` must not run again, if it ended as many processes as it may.
  std::optional<Failure> verdict(const BatchItem& item) const;

  /// `item` runs next, alone: marks it, durably enough for the end of this process. False when the
  /// partition's claim is no longer good. Throws InfrastructureError.
  bool begin(const BatchItem& item);

  /// The process survived what it began last. To be said before it runs anything else, unless that
  /// was decided, which says so itself, or this ledger begins the next. Nothing if there is nothing
  /// to say.
  void survived();

  /// `item`, of a partition under suspicion, was decided. Ends the suspicion after the last.
  void decided(const BatchItem& item);
  /// Of what was set aside of the partition nothing is due: there is none to wait for.
  void nothing_due(OwnedPartition& partition);

 private:
  void end_suspicion(OwnedPartition& partition);

  struct Mark {
    TopicPartition partition;
    std::int64_t epoch = 0;
  };

  Parts parts_;
  std::string begin_;
  std::string begin_waiting_;
  std::string survived_;
  std::string clear_;
  std::optional<Mark> mark_;
};

}  // namespace kinbox

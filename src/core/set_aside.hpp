#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include "core/letter_rows.hpp"
#include "core/parked_rows.hpp"
#include "kinbox/database.hpp"
#include "kinbox/dispatcher.hpp"

namespace kinbox {

/// What was set aside of a consumer's partitions and will have its turn again: parked events, and
/// dead letters that somebody requested. Reads, and
/// gives queues that lost their first event another.
class SetAside {
 public:
  SetAside(const std::string& consumer, const Dialect& dialect)
      : parked_(consumer, dialect), letters_(consumer, dialect) {}

  /// Learns which keys of `partitions` wait, and when their turn comes. In the transaction that
  /// takes the partitions: from its commit on only their owner changes that, or somebody who raises
  /// the control version.
  void load(OpenTransaction& tx, std::span<OwnedPartition* const> partitions) const;

  /// At most `limit` records of `partition` whose turn it is, in a transaction of its own.
  std::vector<WaitingRecord> due(Database& database, OwnedPartition& partition,
                                 std::size_t limit) const;

  const ParkedRows& parked() const noexcept { return parked_; }
  const LetterRows& letters() const noexcept { return letters_; }

 private:
  ParkedRows parked_;
  LetterRows letters_;
};

/// When the next of it is due; nullopt if nothing is.
std::optional<std::chrono::steady_clock::time_point> next_redrive(const OwnedPartition& partition);

}  // namespace kinbox

#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "core/waited.hpp"
#include "kinbox/dead_letter.hpp"
#include "kinbox/transaction.hpp"

namespace kinbox {

/// One consumer's dead letters that somebody wants tried again: state `requested`. Writes inside
/// the caller's transaction.
class LetterRows {
 public:
  LetterRows(std::string consumer, const Dialect& dialect);

  /// Those whose time has come, in the order of their offsets.
  std::vector<WaitingRecord> requested(OpenTransaction& tx, const TopicPartition& partition,
                                       std::size_t limit) const;

  struct Request {
    TopicPartition partition;
    std::chrono::milliseconds due_in{0};
  };
  /// When the next is due, for all partitions that have some, or for one.
  std::vector<Request> next_due(OpenTransaction& tx, const TopicPartition* only) const;

  /// Their events are applied.
  void resolve(OpenTransaction& tx, std::span<const std::int64_t> ids) const;
  /// Its event waits in its key's queue now.
  void park(OpenTransaction& tx, std::int64_t id) const;

 private:
  std::string consumer_;
  std::string requested_;
  std::string next_due_;
  BulkStatement resolve_;
  BulkStatement note_resolved_;
  std::string park_;
  std::string note_parked_;
};

}  // namespace kinbox

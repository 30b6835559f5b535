#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "kinbox/record.hpp"
#include "kinbox/transaction.hpp"

namespace kinbox {

/// The dead letters that a replay meets. Writes inside the caller's transaction.
class ReplayLetters {
 public:
  ReplayLetters(std::string consumer, const Dialect& dialect);

  struct Letter {
    std::int64_t id = 0;
    TopicPartition partition;
    /// It stands for a record that its partition counts as dead.
    bool counted = false;
  };
  /// The letter of an event that may be tried again. Not one that somebody discarded, and none of
  /// an id_conflict.
  std::optional<Letter> retryable(OpenTransaction& tx, std::string_view event_id) const;

  /// Its record counts as applied instead of dead. Locks the partition's position.
  void count_as_applied(OpenTransaction& tx, const TopicPartition& partition) const;

  struct Place {
    TopicPartition partition;
    std::string_view topic_id;
    Offset offset = 0;
  };
  /// The letter that an earlier failure of the record left, whatever became of it.
  std::optional<std::int64_t> of_record(OpenTransaction& tx, const Place& place) const;
  /// What becomes of a resolved one from now on changes no partition's counters. One that is open
  /// still counts as dead.
  void stop_counting(OpenTransaction& tx, std::int64_t id) const;

 private:
  std::string consumer_;
  std::string retryable_;
  std::string count_;
  std::string of_record_;
  std::string stop_counting_;
};

}  // namespace kinbox

#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "kinbox/database.hpp"
#include "kinbox/progress.hpp"

namespace kinbox::cli {

/// An event that a partition's owner tries again in place, as it said last.
struct ReportedRetry {
  Offset offset = 0;
  std::string handler;
  /// Failed ones.
  std::int64_t attempts = 0;
  /// The first of them, and how long ago that is by the database's clock.
  std::string since;
  std::int64_t seconds = 0;
  std::string due_at;
  std::string error_type;
  std::string error_text;
};

/// What the database knows of one partition of one consumer.
struct PartitionReport {
  std::string consumer;
  TopicPartition partition;
  Offset first_offset = 0;
  Offset next_offset = 0;
  Tally tally;
  std::int64_t epoch = 0;
  std::string owner;
  std::string owner_session;
  /// As the database has it.
  std::string stored_state;
  std::string state_reason;
  /// The last owner left with nothing in flight.
  bool clean_stop = true;
  /// The owner said lately that it is at work, by the database's clock.
  bool owner_at_work = false;
  /// The replay that the partition waits for.
  std::optional<std::int64_t> held_by;
  /// What its owner waits with, or tries, just now.
  std::optional<ReportedRetry> retry;
  std::string updated_at;
  std::int64_t open_dead_letters = 0;
  /// Its dead letters that are not on the DLQ topic yet, and what the relay met last.
  std::int64_t outbox_pending = 0;
  std::string outbox_last_error;

  /// Whether something keeps it where it is: "halted" or "breaker_open".
  bool stands() const { return stored_state != "running"; }
  /// That; "stopped": its owner left in order; "lost": its owner did not, and is not seen any more;
  /// "held" by a replay; "retrying" an event in place; else "running".
  std::string state() const;
};

/// Every partition in the database, ordered by consumer, topic, partition. One transaction that
/// changes nothing.
std::vector<PartitionReport> read_progress(Database& database);

}  // namespace kinbox::cli

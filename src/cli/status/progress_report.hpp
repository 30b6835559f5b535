#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "kinbox/database.hpp"
#include "kinbox/progress.hpp"

namespace kinbox::cli {

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
  std::string updated_at;
  std::int64_t open_dead_letters = 0;
  /// Its dead letters that are not on the DLQ topic yet, and what the relay met last.
  std::int64_t outbox_pending = 0;
  std::string outbox_last_error;

  /// Whether something keeps it where it is: "halted" or "breaker_open".
  bool stands() const { return stored_state != "running"; }
  /// That, "stopped", or "running": owned, or its owner died without a word.
  std::string state() const;
};

/// Every partition in the database, ordered by consumer, topic, partition. One transaction that
/// changes nothing.
std::vector<PartitionReport> read_progress(Database& database);

}  // namespace kinbox::cli

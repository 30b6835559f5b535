#pragma once

#include <cstdint>
#include <string>

#include "kinbox/dialect.hpp"

namespace kinbox::bench {

/// One run of one contender: all records of a topic, into a database that nobody else uses.
struct Task {
  std::string brokers = {};
  std::string topic = {};
  /// Nobody has read the topic in this group.
  std::string group = {};

  Backend backend = Backend::kPostgres;
  /// PostgreSQL: connection URI. SQLite: file.
  std::string location = {};
  /// PostgreSQL: where all tables of this run are.
  std::string schema = "main";

  int workers = 1;
  /// In the topic, duplicates included.
  std::int64_t records = 0;
};

/// Records per poll, and per transaction where a contender batches.
inline constexpr std::size_t kBatch = 500;
/// Longest wait for the first record of a poll.
inline constexpr int kPollMilliseconds = 100;

/// A member learns by heartbeat that another one joins: with the default of three seconds, two
/// workers would share the work late.
inline constexpr const char* kHeartbeatMilliseconds = "100";

/// The name under which contenders keep their position and their inbox.
inline constexpr const char* kConsumer = "bench";

}  // namespace kinbox::bench

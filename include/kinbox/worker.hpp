#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "kinbox/database.hpp"
#include "kinbox/dispatcher.hpp"
#include "kinbox/source.hpp"

namespace kinbox {

/// Where a consumer starts on a partition that has no position, neither in the database nor told to
/// Kafka. Resolved to a number and stored before the first fetch.
struct InitialPosition {
  enum class Kind { kEarliest, kLatest, kSince };

  Kind kind = Kind::kEarliest;
  /// kSince: the first record at or after it.
  Timestamp since{};
};

struct WorkerOptions {
  PollBudget budget;
  DispatcherOptions dispatch;
  InitialPosition initial;
  /// Backoff while the database or the broker is away; for ever.
  RetryPolicy infrastructure{.max_attempts = 0,
                             .first_delay = std::chrono::milliseconds{200},
                             .max_delay = std::chrono::milliseconds{10'000}};
  /// How often the ids of topics are compared with those that the positions belong to.
  std::chrono::milliseconds topic_check{30'000};
  /// How often to look whether somebody from outside changed parked events, dead letters or
  /// positions of ours.
  std::chrono::milliseconds control_check{1'000};
};

/// A consumer: who it is, what it reads, what it does. Copied into each of its workers.
struct ConsumerSpec {
  /// Part of every event's identity; permanent.
  std::string name;
  std::string group;
  std::vector<std::string> topics;
  std::vector<HandlerUse> handlers;
  EventDecoder decoder;
  std::string dlq_topic = "dlq.{group}.{topic}";
  bool relay_dead_letters = true;
  /// What its handlers are given to emit events with.
  OutboxOptions outbox = {};
  /// What the producers of its events are told; nothing unless given.
  std::optional<ReplyOptions> replies = std::nullopt;
};

/// How a run of a worker ended.
struct WorkerResult {
  std::int64_t records = 0;
  /// Partitions that stand halted at the end, with their reasons.
  std::vector<std::pair<TopicPartition, std::string>> halted;
};

/// One consumer's loop: one thread, one source, one database connection, nothing shared.
///
/// Polls, dispatches, tells; claims partitions when they come and drops what it holds of them when
/// they go; keeps polling while events wait for a retry or the database is away.
class Worker {
 public:
  /// Throws ConfigurationError on replies and failovers that cannot work; see require_usable.
  Worker(ConsumerSpec consumer, WorkerOptions options, std::unique_ptr<Source> source,
         std::unique_ptr<Database> database, Observer& observer);
  ~Worker();

  struct Until {
    /// Return when the end of every partition is reached and nothing is held. Partitions that
    /// halted do not keep it from that.
    bool idle = false;
    /// Return after about that many records.
    std::optional<std::int64_t> records = std::nullopt;
  };

  /// Runs until `stop`, or `until`; then finishes the batch, tells Kafka, leaves the group within
  /// `drain`. Throws RefusedError when this database belongs to another group or cluster,
  /// FatalSourceError when the member cannot go on.
  WorkerResult run(const Until& until, std::chrono::milliseconds drain);
  WorkerResult run() { return run(Until{}, std::chrono::seconds{30}); }

  /// Ends `run` soon. From any thread, and from a signal handler.
  void stop() noexcept;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace kinbox

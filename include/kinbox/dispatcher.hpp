#pragma once

#include <chrono>
#include <cstddef>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "kinbox/database.hpp"
#include "kinbox/dead_letter.hpp"
#include "kinbox/dlq_budget.hpp"
#include "kinbox/event_decoder.hpp"
#include "kinbox/handler_clock.hpp"
#include "kinbox/handler_registry.hpp"
#include "kinbox/observer.hpp"
#include "kinbox/on_error.hpp"
#include "kinbox/outbox.hpp"
#include "kinbox/parked_queues.hpp"
#include "kinbox/progress.hpp"
#include "kinbox/record.hpp"
#include "kinbox/replies.hpp"

namespace kinbox {

enum class UnknownTypes { kDeadLetter, kSkip };
enum class IdConflict { kDeadLetter, kReport };

/// A partition in a worker's hands.
struct OwnedPartition {
  enum class State {
    kRunning,
    /// Its head failed and is tried again at `retry_at`.
    kWaiting,
    /// The claim is not ours, or not yet; nothing may be dispatched.
    kUnclaimed,
    /// Stopped until a person decides.
    kHalted,
    /// A replay handles its past again; what is new waits until that is done.
    kHeld,
  };

  TopicPartition id;
  State state = State::kUnclaimed;
  PartitionClaim claim;
  /// What Kafka was told last, or the position we started from.
  Offset told = 0;
  /// The record at claim.next_offset or later that fails, and how often it did.
  std::optional<Offset> failing_offset;
  Failure failure;
  std::chrono::steady_clock::time_point retry_at{};
  /// While its claim is under suspicion: how many of its records were decided, one at a time, and
  /// how many that had been set aside.
  std::size_t decided_alone = 0;
  std::size_t redriven_alone = 0;
  std::chrono::steady_clock::time_point failing_since{};
  /// kWaiting because the budget of dead letters is spent.
  bool breaker_open = false;
  /// What follows may be older than the database: nobody knows whether a COMMIT was one.
  bool set_aside_unsure = false;
  /// Keys whose events wait.
  ParkedQueues parked;
  /// When the next dead letter is to be tried again that somebody requested.
  std::optional<std::chrono::steady_clock::time_point> letters_due;
};

using OwnedPartitions = std::map<TopicPartition, OwnedPartition>;

struct DispatcherOptions {
  OnError on_error;
  DlqBudgetOptions dlq_budget = {};
  UnknownTypes unknown_types = UnknownTypes::kDeadLetter;
  IdConflict id_conflict = IdConflict::kDeadLetter;
  /// Records whose timestamp is older than that are skipped (`older_than`), also those that are no
  /// events; those that carry no timestamp never are. Looked at each time a record's turn comes.
  std::optional<std::chrono::milliseconds> older_than = std::nullopt;
  /// Longest time from open to close; a batch that takes longer is made smaller. One event alone
  /// has no bound here.
  std::chrono::milliseconds max_transaction_time{15'000};
  /// Records in one transaction; four times as many if all of them had their verdict before.
  std::size_t max_batch = 500;
  /// How many processes one record may end, alone, before it is given up as `crashed`. At least 1.
  std::int64_t max_crashes = 3;
  /// Held while a record runs that may end the process. Workers of one process have the same one,
  /// so that no record of another worker is charged. Null: there is one worker in this process.
  std::mutex* trials = nullptr;
  /// Runs while a handler does that has a limit. For a thread that looks for handlers that do not
  /// come back: one per worker, and it outlives the worker. Null: nobody looks.
  HandlerClock* clock = nullptr;
};

/// Takes records to their verdicts: one transaction per batch, split when an event fails.
///
/// Afterwards every record of a running partition lies below its `claim.next_offset`; partitions
/// that wait, halted or lost their claim say so in their state, and their other records are still
/// to be done. One thread.
class Dispatcher {
 public:
  struct Parts {
    std::string consumer;
    std::string group;
    /// Names this incarnation; see Progress.
    std::string owner;
    const EventDecoder& decoder;
    const HandlerRegistry& handlers;
    DeadLetters::Options dead_letters;
    Observer& observer;
    /// As require_usable wants them; nullopt: producers are told nothing.
    std::optional<ReplyOptions> replies = std::nullopt;
    /// How replies are written.
    OutboxOptions outbox = {};
  };

  Dispatcher(Parts parts, DispatcherOptions options, Database& database);
  ~Dispatcher();

  /// `records` in poll order; those of unknown partitions, of partitions that do not run, and below
  /// `next_offset` are passed over. Throws InfrastructureError when the database is away: what is
  /// committed by then shows in the positions, the rest is untouched.
  void apply(std::span<const Record> records, OwnedPartitions& partitions);

  /// How many times `max_batch` records the next call of apply() can use: more than 1 in a stream
  /// of events that had their verdict before.
  std::size_t reach() const;

  /// One batch of what was set aside and is due: parked events, and dead letters that somebody
  /// requested. Throws as `apply`.
  void redrive(OwnedPartitions& partitions);

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace kinbox

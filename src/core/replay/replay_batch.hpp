#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <optional>
#include <span>
#include <string>
#include <variant>
#include <vector>

#include "core/consumer_lock.hpp"
#include "core/handler_calls.hpp"
#include "core/letter_rows.hpp"
#include "core/parked_rows.hpp"
#include "core/replay/replay_letters.hpp"
#include "core/replay/replay_rows.hpp"
#include "core/replies.hpp"
#include "kinbox/database.hpp"
#include "kinbox/dead_letter.hpp"
#include "kinbox/dlq_budget.hpp"
#include "kinbox/handler_registry.hpp"
#include "kinbox/inbox.hpp"

namespace kinbox {

/// A partition of a replay, and from which offset on a missing verdict says that the event never
/// ran: neither before the consumer began, nor where verdicts may have been pruned.
struct ReplayPartition {
  Replayer::Progress progress;
  Offset trusted_from = 0;
};

/// A record of a replay.
struct ReplayItem {
  const Record* record = nullptr;
  ReplayPartition* partition = nullptr;
  /// Not one of the events that are meant: it is passed over and not counted.
  bool outside = false;
  /// Absent where there is none.
  std::optional<Event> event;
  /// Null: nobody takes it, or nobody wants it any more.
  const HandlerRegistry::Entry* handler = nullptr;
  /// It failed for good and becomes a dead letter.
  std::optional<Failure> failure;
};

/// How one transaction ended; nothing was written unless it was committed.
struct ReplayCommitted {
  /// So many were to run; the others had their verdict.
  std::size_t to_run = 0;
};
/// The replay is not ours, not running, or elsewhere.
struct ReplayMissed {};
/// The event at `index` failed.
struct ReplayEventFailed {
  std::size_t index = 0;
  std::exception_ptr error;
};
/// COMMIT was refused for one of the events' sake, and nobody knows which.
struct ReplayCommitRefused {
  std::exception_ptr error;
};
/// One of several statements that were sent as one failed. Run it again one by one.
struct ReplayBlameOpen {};
struct ReplayBudgetSpent {};
/// Only of the first `fits` no more are to run than one transaction takes.
struct ReplayTooMany {
  std::size_t fits = 1;
};
/// Only the first `fits` events fit into the time bound.
struct ReplayTooLong {
  std::size_t fits = 1;
};
using ReplayOutcome =
    std::variant<ReplayCommitted, ReplayMissed, ReplayEventFailed, ReplayCommitRefused,
                 ReplayBlameOpen, ReplayBudgetSpent, ReplayTooMany, ReplayTooLong>;

/// One transaction of a replay: the replay's position, the verdicts and the handlers' effects, all
/// or none. The live position is not looked at.
class ReplayBatch {
 public:
  /// The replay that is run.
  struct Run {
    std::int64_t id = 0;
    std::string consumer;
    std::string owner;
    /// 0 unless events run again.
    std::int64_t generation = 0;
    ReplayChoices choices;
  };
  struct Parts {
    const Run& run;
    Database& database;
    const ConsumerLock& lock;
    const Inbox& inbox;
    const ReplayRows& rows;
    const ReplayLetters& letters;
    const LetterRows& letter_rows;
    const ParkedRows& parked;
    const DeadLetters& dead_letters;
    DlqBudget& budget;
    HandlerClock& clock;
    /// Null: producers are told nothing.
    const Replies* replies = nullptr;
    std::chrono::milliseconds max_transaction_time{15'000};
  };
  struct Manner {
    bool one_by_one = false;
    ConsumerLock::Mode lock = ConsumerLock::Mode::kShared;
    /// Whoever looks is told that the replay is at work.
    bool touch = false;
    /// Events that run in it; what has its verdict does not count.
    std::size_t max_to_run = 1;
  };

  /// `items` in order of offsets per partition, at or behind where the replay stands.
  ReplayBatch(const Parts& parts, Manner manner, std::span<ReplayItem> items);

  /// Once. On ReplayCommitted the partitions stand at their new positions. Throws
  /// InfrastructureError.
  ReplayOutcome run();

 private:
  /// What is done with an item.
  enum class Turn {
    kOutside,
    kLeftAlone,
    kKnown,
    /// Its first verdict.
    kNew,
    /// It was applied, and runs in this generation.
    kAgain,
    /// It was dead.
    kRevived,
  };
  struct Stretch {
    ReplayPartition* partition = nullptr;
    /// What is added to its counters.
    Replayer::Progress tally;
    /// First verdicts among it.
    std::int64_t fresh = 0;
    Offset next_offset = 0;
  };
  struct Missed {};
  struct BudgetSpent {};
  struct TooMany {
    std::size_t fits = 1;
  };
  struct TooLong {
    std::size_t fits = 1;
  };

  std::vector<Stretch> stretches() const;
  Stretch& stretch_of(const ReplayItem& item);
  std::vector<std::size_t> with(Turn turn) const;

  void open(OpenTransaction& tx);
  void look(OpenTransaction& tx);
  Turn turn_of(const ReplayItem& item, const std::optional<Inbox::Entry>& entry) const;
  void require_few_to_run();
  void leave_parked_keys(OpenTransaction& tx);
  void claim(OpenTransaction& tx);
  void revive(OpenTransaction& tx);
  void claim_new(OpenTransaction& tx);
  void claim_again(OpenTransaction& tx);
  void mark_first(OpenTransaction& tx);
  void settle_all(OpenTransaction& tx);
  void settle(OpenTransaction& tx, std::size_t index);
  Handling handling_of(std::size_t index) const;
  void bury(OpenTransaction& tx, std::size_t index);
  void look_at_clock(std::size_t index) const;
  void reply(OpenTransaction& tx);
  void pay(OpenTransaction& tx);
  void close(OpenTransaction& tx);
  void advance();

  const Parts& parts_;
  Manner manner_;
  std::span<ReplayItem> items_;
  std::vector<Stretch> stretches_;
  std::vector<Turn> turns_;
  HandlerCalls calls_;
  std::size_t to_run_ = 0;
  std::size_t deaths_ = 0;
  std::chrono::steady_clock::time_point started_{};
};

}  // namespace kinbox

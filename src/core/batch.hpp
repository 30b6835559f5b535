#pragma once

#include <chrono>
#include <cstddef>
#include <exception>
#include <optional>
#include <span>
#include <string>
#include <variant>
#include <vector>

#include "core/aside.hpp"
#include "core/consumer_lock.hpp"
#include "core/handler_calls.hpp"
#include "core/inbox_reader.hpp"
#include "core/replies.hpp"
#include "core/steady_claims.hpp"
#include "core/waited.hpp"
#include "kinbox/database.hpp"
#include "kinbox/dead_letter.hpp"
#include "kinbox/dispatcher.hpp"
#include "kinbox/handler_clock.hpp"
#include "kinbox/handler_registry.hpp"
#include "kinbox/inbox.hpp"
#include "kinbox/observer.hpp"
#include "kinbox/progress.hpp"

namespace kinbox {

/// A record, and what is to become of it.
struct BatchItem {
  const Record* record = nullptr;
  OwnedPartition* partition = nullptr;
  /// Absent for poison that has no id.
  std::optional<Event> event;
  /// kApplied runs `handler`; the others carry `failure`.
  Verdict planned = Verdict::kApplied;
  const HandlerRegistry::Entry* handler = nullptr;
  Failure failure;
  /// kParked: how long the first of a queue waits; nullopt behind others.
  std::optional<std::chrono::milliseconds> due_in;
  /// kSkipped: the topic that gets the record instead, of its ladder; null if none does.
  const std::string* forward_to = nullptr;
  /// Of a record that was set aside before. Its position is behind us.
  std::optional<Waited> waited;
};

/// How one transaction ended. `known` of the events had a verdict before.
struct BatchCommitted {
  std::size_t known = 0;
};
/// `partition`'s claim is no longer good; nothing was written.
struct BatchClaimMissed {
  OwnedPartition* partition = nullptr;
};
/// The event at `index` failed; nothing was written.
struct BatchEventFailed {
  std::size_t index = 0;
  std::exception_ptr error;
};
/// COMMIT was refused, for one of the events' sake, and nobody knows which; nothing was written.
struct BatchCommitRefused {
  std::exception_ptr error;
};
/// One of several statements that were sent as one failed, and nobody knows whose; nothing was
/// written. Run it again one by one.
struct BatchBlameOpen {};
/// The event at `index` would be one dead letter too many; nothing was written.
struct BatchBudgetSpent {
  std::size_t index = 0;
};
/// Only the first `fits` events fit into the time bound; nothing was written.
struct BatchTooLong {
  std::size_t fits = 1;
};
/// Not all of the events are known, and it was to run only if they are; nothing was written.
struct BatchHasNew {};
using BatchOutcome =
    std::variant<BatchCommitted, BatchClaimMissed, BatchEventFailed, BatchCommitRefused,
                 BatchBlameOpen, BatchBudgetSpent, BatchTooLong, BatchHasNew>;

/// One transaction that takes some records to their verdicts, all or none.
class Batch {
 public:
  struct Parts {
    Database& database;
    const ConsumerLock& lock;
    const Inbox& inbox;
    /// For Claiming::kAfterALook and kOnlyKnown.
    struct {
      InboxReader& reader;
      SteadyClaims& claims;
    } memory;
    const Progress& progress;
    Aside::Parts aside;
    DlqBudget& budget;
    Observer& observer;
    /// Null: producers are told nothing.
    const Replies* replies = nullptr;
    IdConflict id_conflict = IdConflict::kDeadLetter;
    std::chrono::milliseconds max_transaction_time{15'000};
    std::string consumer = {};
    /// For handlers that have a limit. Not null.
    HandlerClock* clock = nullptr;
  };

  /// How handlers' statements go to the database.
  enum class Sending { kCombined, kOneByOne };
  /// Which ids are new is told by claiming them all. Where most are known, as in a replay, looking
  /// for them first and claiming the rest is half the work.
  /// kOnlyKnown: looking for them, and BatchHasNew if one is new.
  enum class Claiming { kAtOnce, kAfterALook, kOnlyKnown };
  struct Manner {
    Sending sending = Sending::kCombined;
    Claiming claiming = Claiming::kAtOnce;
    ConsumerLock::Mode lock = ConsumerLock::Mode::kShared;
    /// OpenTransaction::give_way_after, for the handlers.
    std::optional<std::chrono::milliseconds> patience = {};
  };

  /// Per partition, the offsets of `items` grow and start at or behind its `claim.next_offset`.
  Batch(const Parts& parts, std::span<BatchItem* const> items, Manner manner);

  /// Once. On BatchCommitted the partitions' claims stand at their new positions. Throws
  /// InfrastructureError when the database is away or kinbox's own statements fail.
  BatchOutcome run();

 private:
  struct Stretch {
    OwnedPartition* partition = nullptr;
    Offset next_offset = 0;
    Tally tally;
  };
  struct BudgetSpent {};
  struct Missed {
    OwnedPartition* partition = nullptr;
  };
  struct TooLong {
    std::size_t fits = 1;
  };
  struct HasNew {};
  /// Claims, each with the index of its item.
  struct Claims {
    std::vector<Inbox::Claim> claims;
    std::vector<std::size_t> items;

    void add(const Inbox::Claim& claim, std::size_t item) {
      claims.push_back(claim);
      items.push_back(item);
    }
  };

  std::vector<Stretch> stretches() const;
  Stretch& stretch_of(const BatchItem& item);

  void open(OpenTransaction& tx);
  void claim(OpenTransaction& tx);
  std::size_t count_known() const;
  Claims claims() const;
  /// Gives events that were set aside the verdicts that are planned for them.
  void change_verdicts(OpenTransaction& tx);
  /// Notes what is recorded of `wanted`, and gives those of which nothing is.
  Claims without_known(OpenTransaction& tx, const Claims& wanted);
  /// The same, for streams of known events.
  Claims without_read(OpenTransaction& tx, const Claims& wanted);
  Claims without(const Claims& wanted, InboxReader::Entries entries);
  static std::vector<std::string_view> ids_of(const Claims& claims);
  void require_open() const;
  void settle_all(OpenTransaction& tx);
  void settle(OpenTransaction& tx, std::size_t index);
  void settle_known(OpenTransaction& tx, std::size_t index, const Inbox::Entry& entry);
  void settle_new(OpenTransaction& tx, std::size_t index);
  void handle(OpenTransaction& tx, std::size_t index);
  void bury(OpenTransaction& tx, std::size_t index, const Failure& failure);
  void park(const BatchItem& item);
  void forward(OpenTransaction& tx, const BatchItem& item);
  void settle_aside(OpenTransaction& tx);
  void pay(OpenTransaction& tx);
  /// The item's record has this verdict now, and no longer the one it waited with.
  void count(const BatchItem& item, std::int64_t Tally::*verdict);
  void reply(OpenTransaction& tx);
  void close(OpenTransaction& tx);
  void look_at_clock(std::size_t index) const;
  void advance();

  const Parts& parts_;
  std::span<BatchItem* const> items_;
  Manner manner_;
  std::vector<Stretch> stretches_;
  std::vector<Progress::Opening> openings_;
  /// For each item: what was recorded of its id before, nullopt if the claim was new.
  std::vector<std::optional<Inbox::Entry>> known_;
  HandlerCalls calls_;
  Aside aside_;
  /// Events that became dead letters, and the first of them.
  std::size_t deaths_ = 0;
  std::size_t first_death_ = 0;
  std::vector<Notice> notices_;
  std::chrono::steady_clock::time_point started_{};
};

}  // namespace kinbox

#include "kinbox/dispatcher.hpp"

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "core/batch.hpp"
#include "core/batch_plan.hpp"
#include "core/coordinates_text.hpp"
#include "core/crash_ledger.hpp"
#include "core/exclusive_spell.hpp"
#include "core/failed_events.hpp"
#include "core/failure.hpp"
#include "core/known_stream.hpp"
#include "core/ladder.hpp"
#include "core/lock_patience.hpp"
#include "core/own_statements.hpp"
#include "core/set_aside.hpp"
#include "core/steady_claims.hpp"
#include "core/strikes.hpp"
#include "kinbox/inbox.hpp"

namespace kinbox {
namespace {

using Clock = std::chrono::steady_clock;
using State = OwnedPartition::State;
using Mode = ConsumerLock::Mode;

/// Beside others, alone, beside others again: then it waits like after any trouble.
constexpr int kAttemptsAtOnce = 3;

/// Of a stream of known events: some ten megabytes.
constexpr InboxReader::Bounds kRemembered{.rows_kept = 32'768};

std::optional<Replies> make_replies(Dispatcher::Parts& parts, const Dialect& dialect) {
  if (!parts.replies) return std::nullopt;
  return Replies({parts.consumer, std::move(*parts.replies), std::move(parts.outbox)}, dialect);
}

}  // namespace

class Dispatcher::Impl {
 public:
  Impl(Parts parts, DispatcherOptions options, Database& database)
      : options_(std::move(options)),
        observer_(parts.observer),
        database_(database),
        plan_({parts.decoder, parts.handlers, end_of_poison(options_.on_error),
               options_.unknown_types, options_.older_than}),
        lock_(parts.consumer, database.dialect()),
        inbox_(parts.consumer, database.dialect()),
        reader_(parts.consumer, database.dialect(), InboxReader::Fingerprints::kWith, kRemembered),
        progress_(parts.consumer, parts.owner, database.dialect()),
        dead_letters_(std::move(parts.dead_letters), database.dialect()),
        set_aside_(parts.consumer, database.dialect()),
        budget_(parts.consumer, options_.dlq_budget, database.dialect()),
        replies_(make_replies(parts, database.dialect())),
        batch_parts_{database,
                     lock_,
                     inbox_,
                     {reader_, claims_},
                     progress_,
                     {set_aside_.parked(), set_aside_.letters(), dead_letters_},
                     budget_,
                     observer_,
                     replies_ ? &*replies_ : nullptr,
                     options_.id_conflict,
                     options_.max_transaction_time,
                     parts.consumer,
                     options_.clock != nullptr ? options_.clock : &clock_},
        failed_({options_.on_error, options_.dlq_budget.probe_every, parts.handlers, database,
                 progress_, observer_, [this](BatchItem& item) { return run_one(item); }}),
        crashes_({.database = database,
                  .consumer = parts.consumer,
                  .owner = parts.owner,
                  .first_batch = options_.max_batch,
                  .max_crashes = options_.max_crashes}),
        limit_(options_.max_batch),
        strikes_(options_.max_batch) {
    require_usable(parts.handlers.ladders(options_.on_error));
  }

  void apply(std::span<const Record> records, OwnedPartitions& partitions) {
    auto entries = plan_.make(records, partitions);
    run(entries);
  }

  std::size_t reach() const { return strikes_.alone() ? 1 : stream_.reach(); }

  void redrive(OwnedPartitions& partitions) {
    blocked_.clear();
    for (auto& [id, partition] : partitions) {
      const auto due = next_redrive(partition);
      if (partition.state == State::kRunning && due && *due <= Clock::now()) redrive(partition);
    }
  }

 private:
  using Entries = std::span<BatchPlan::Entry>;

  void redrive(OwnedPartition& partition) {
    auto waiting = set_aside_.due(database_, partition, options_.max_batch);
    if (waiting.empty()) crashes_.nothing_due(partition);
    std::vector<Record> records;
    records.reserve(waiting.size());
    std::vector<BatchPlan::Entry> entries;
    for (auto& one : waiting) {
      records.emplace_back(std::move(one.record));
      entries.push_back(plan_.make_waiting(records.back(), partition, std::move(one)));
    }
    run(entries);
  }

  void run(Entries entries) {
    while (!entries.empty()) {
      std::vector<BatchItem*> chunk;
      const auto taken = take_chunk(entries, chunk);
      if (chunk.empty()) {
        entries = entries.subspan(taken);
        continue;
      }
      entries =
          entries.subspan(crashes_.suspects(*chunk.front()) ? run_alone(entries, chunk, taken)
                                                            : run_chunk(entries, chunk, taken));
    }
  }

  std::size_t run_chunk(Entries entries, const std::vector<BatchItem*>& chunk, std::size_t taken) {
    crashes_.survived();
    const auto outcome = run_batch(chunk);
    return std::visit([&](const auto& o) { return go_on(o, entries, chunk, taken); }, outcome);
  }

  /// `chunk` is one record that may end this process.
  std::size_t run_alone(Entries entries, const std::vector<BatchItem*>& chunk, std::size_t taken) {
    auto& item = *chunk.front();
    auto& partition = *item.partition;
    const auto offset = item.record->offset();
    auto passed = taken;
    if (item.planned != Verdict::kApplied) {
      passed = run_chunk(entries, chunk, taken);
    } else if (auto crashed = crashes_.verdict(item)) {
      crashes_.survived();
      failed_.give_up(item, std::move(*crashed));
      block_queue_of(item);
    } else {
      const auto outcome = try_alone(chunk);
      passed = std::visit([&](const auto& o) { return go_on(o, entries, chunk, taken); }, outcome);
    }
    if (item.waited ? partition.state == State::kRunning : partition.claim.next_offset > offset)
      crashes_.decided(item);
    return passed;
  }

  BatchOutcome try_alone(const std::vector<BatchItem*>& chunk) {
    const auto turn = options_.trials != nullptr ? std::unique_lock(*options_.trials)
                                                 : std::unique_lock<std::mutex>();
    auto& item = *chunk.front();
    if (!crashes_.begin(item)) return BatchClaimMissed{item.partition};
    auto outcome = run_batch(chunk);
    if (!std::holds_alternative<BatchCommitted>(outcome)) crashes_.survived();
    return outcome;
  }

  BatchOutcome run_batch(const std::vector<BatchItem*>& chunk) {
    auto manner = usual_manner(chunk.size());
    for (int attempt = 1;; ++attempt) {
      try {
        return run_batch(chunk, manner);
      } catch (const DeadlockError& e) {
        if (!give_way(manner) || attempt == kAttemptsAtOnce) return trouble(chunk, e);
      } catch (const InfrastructureError& e) {
        return trouble(chunk, e);
      }
    }
  }

  BatchOutcome run_batch(const std::vector<BatchItem*>& chunk, const Batch::Manner& manner) {
    const auto started = Clock::now();
    if (!stream_.look_first()) reader_.forget();
    auto outcome = Batch(batch_parts_, chunk, manner).run();
    if (std::holds_alternative<BatchCommitted>(outcome)) {
      patience_.took(Clock::now() - started);
      for (const auto* item : chunk) failed_.close_breaker(*item->partition);
    }
    return outcome;
  }

  Batch::Manner usual_manner(std::size_t events) {
    return {.sending = std::exchange(sending_, Batch::Sending::kCombined),
            .claiming = claiming(events),
            .lock = lock_mode(),
            .patience = patience_.limit()};
  }

  Mode lock_mode() const { return alone_.active(Clock::now()) ? Mode::kExclusive : Mode::kShared; }

  /// How a batch that had to go may run again at once; false if it would meet the same again.
  bool give_way(Batch::Manner& manner) {
    if (manner.lock == Mode::kShared) {
      // Alone, it will not meet the other worker again.
      alone_.deadlocked(Clock::now());
      manner.lock = Mode::kExclusive;
      return true;
    }
    if (!manner.patience) return false;
    // It was nobody of ours, and ours need not wait with us.
    alone_.end(Clock::now());
    manner.lock = Mode::kShared;
    manner.patience.reset();
    return true;
  }

  /// Called while `error` is handled, and throws it on unless it is the chunk's only event's.
  BatchOutcome trouble(const std::vector<BatchItem*>& chunk, const InfrastructureError& error) {
    if (!database_answers())
      strikes_.clear();
    else if (chunk.size() > 1)
      strikes_.batch();
    else if (strikes_.record(*chunk[0]->record))
      return BatchEventFailed{0, std::make_exception_ptr(KillsTransaction(error.what()))};
    throw;
  }

  bool database_answers() {
    try {
      own_transaction(database_, "probe", [](OpenTransaction& tx) { tx.query("SELECT 1"); });
      return true;
    } catch (const InfrastructureError&) {
      return false;
    }
  }

  Batch::Claiming claiming(std::size_t events) const {
    if (events > limit_) return Batch::Claiming::kOnlyKnown;
    return stream_.look_first() ? Batch::Claiming::kAfterALook : Batch::Claiming::kAtOnce;
  }

  std::size_t limit() const { return strikes_.alone() ? 1 : limit_ * stream_.reach(); }

  /// Fills `chunk` with what may run in one transaction, and answers how many entries that covers.
  /// Entries of partitions that stopped are passed over. An entry that halts its partition ends the
  /// chunk before it, and is carried out when it comes first. One of a partition under suspicion is
  /// a chunk of its own.
  std::size_t take_chunk(Entries entries, std::vector<BatchItem*>& chunk) {
    behind_.clear();
    std::size_t taken = 0;
    for (bool alone = false; taken < entries.size() && chunk.size() < limit() && !alone; ++taken) {
      auto& entry = entries[taken];
      auto& item = entry.item;
      if (item.partition->state != State::kRunning) continue;
      std::optional<std::string> full;
      if (!item.partition->parked.empty() && item.event && !entry.halt) {
        if (is_blocked(item)) continue;
        if (waits_behind(item)) full = failed_.plan_behind(item, behind_[queue_of(*item.record)]++);
      }
      const auto& stops = full ? full : entry.halt;
      alone = crashes_.suspects(item);
      if ((stops || alone) && !chunk.empty()) break;
      if (stops)
        failed_.halt(item, *stops);
      else
        chunk.push_back(&item);
    }
    return taken;
  }

  /// Whether an earlier event of its key failed in this round of redriving.
  bool is_blocked(const BatchItem& item) const {
    return item.waited && item.waited->place == Waited::Place::kParked &&
           blocked_.contains({item.partition, item.waited->queue});
  }

  /// Decided as late as this: an earlier one may have been parked a moment ago.
  static bool waits_behind(const BatchItem& item) {
    if (item.planned != Verdict::kApplied && item.planned != Verdict::kParked) return false;
    const bool is_parked = item.waited && item.waited->place == Waited::Place::kParked;
    return !is_parked && item.partition->parked.holds(queue_of(*item.record));
  }

  std::size_t go_on(const BatchCommitted& committed, Entries, const std::vector<BatchItem*>& chunk,
                    std::size_t taken) {
    strikes_.committed();
    stream_.committed(committed.known, chunk.size());
    // Smaller batches after one took too long; larger again, slowly.
    if (chunk.size() == limit_)
      limit_ = std::min(options_.max_batch, limit_ + std::max<std::size_t>(1, limit_ / 8));
    return taken;
  }

  std::size_t go_on(const BatchClaimMissed& missed, Entries, const std::vector<BatchItem*>&,
                    std::size_t) {
    failed_.lost(*missed.partition);
    return 0;
  }

  std::size_t go_on(const BatchEventFailed& failed, Entries entries,
                    const std::vector<BatchItem*>& chunk, std::size_t) {
    const auto at = index_of(entries, chunk[failed.index]);
    run(entries.first(at));
    auto& item = entries[at].item;
    if (item.partition->state == State::kRunning) failed_.settle(item, failed.error);
    block_queue_of(item);
    return at + 1;
  }

  /// `item` failed; unless it left its queue for good, what is behind it waits until the next
  /// round.
  void block_queue_of(const BatchItem& item) {
    if (item.waited && item.planned != Verdict::kDead)
      blocked_.emplace(item.partition, item.waited->queue);
  }

  std::size_t go_on(const BatchCommitRefused& refused, Entries entries,
                    const std::vector<BatchItem*>& chunk, std::size_t taken) {
    if (chunk.size() == 1) return go_on(BatchEventFailed{0, refused.error}, entries, chunk, taken);
    const auto middle = index_of(entries, chunk[chunk.size() / 2]);
    run(entries.first(middle));
    run(entries.subspan(middle, taken - middle));
    return taken;
  }

  std::size_t go_on(const BatchBlameOpen&, Entries, const std::vector<BatchItem*>&, std::size_t) {
    sending_ = Batch::Sending::kOneByOne;
    return 0;
  }

  std::size_t go_on(const BatchBudgetSpent& spent, Entries entries,
                    const std::vector<BatchItem*>& chunk, std::size_t) {
    const auto at = index_of(entries, chunk[spent.index]);
    if (chunk.size() == 1) {
      failed_.open_breaker(*chunk[0]);
      return at + 1;
    }
    // What came before it first; then it alone, and what is behind it without it.
    run(entries.first(at));
    run(entries.subspan(at, 1));
    return at + 1;
  }

  std::size_t go_on(const BatchTooLong& too_long, Entries, const std::vector<BatchItem*>&,
                    std::size_t) {
    limit_ = too_long.fits;
    observer_.on_notice(notice::BatchShrunk{limit_});
    return 0;
  }

  std::size_t go_on(const BatchHasNew&, Entries, const std::vector<BatchItem*>&, std::size_t) {
    stream_.met_new();
    return 0;
  }

  static std::size_t index_of(Entries entries, const BatchItem* item) {
    const auto found = std::find_if(entries.begin(), entries.end(),
                                    [&](const auto& entry) { return &entry.item == item; });
    return static_cast<std::size_t>(found - entries.begin());
  }

  /// One item, in a transaction of its own. It may still fail if it runs a handler.
  BatchOutcome run_one(BatchItem& item) {
    BatchItem* const alone = &item;
    auto outcome = Batch(batch_parts_, {&alone, 1},
                         {Batch::Sending::kOneByOne, Batch::Claiming::kAtOnce, lock_mode()})
                       .run();
    if (const auto* missed = std::get_if<BatchClaimMissed>(&outcome))
      failed_.lost(*missed->partition);
    else if (std::holds_alternative<BatchBudgetSpent>(outcome))
      failed_.open_breaker(item);
    else if (const auto* refused = std::get_if<BatchCommitRefused>(&outcome))
      outcome = BatchEventFailed{0, refused->error};
    else if (std::holds_alternative<BatchCommitted>(outcome))
      failed_.close_breaker(*item.partition);
    if (std::holds_alternative<BatchEventFailed>(outcome) && item.planned != Verdict::kApplied)
      // Nothing but kinbox's own statements ran.
      throw InfrastructureError("the verdict of " +
                                coordinates_text(item.partition->id, item.record->offset()) +
                                " could not be stored");
    return outcome;
  }

  DispatcherOptions options_;
  Observer& observer_;
  Database& database_;
  BatchPlan plan_;
  ConsumerLock lock_;
  Inbox inbox_;
  InboxReader reader_;
  SteadyClaims claims_;
  Progress progress_;
  DeadLetters dead_letters_;
  SetAside set_aside_;
  DlqBudget budget_;
  std::optional<Replies> replies_;
  HandlerClock clock_;
  Batch::Parts batch_parts_;
  FailedEvents failed_;
  CrashLedger crashes_;
  /// Queues whose first event failed in this round: what is behind it has to wait.
  std::set<std::pair<const OwnedPartition*, QueueId>> blocked_;
  /// How many events of the chunk wait in a queue, beside those that do already.
  std::map<QueueId, std::size_t> behind_;
  std::size_t limit_;
  Batch::Sending sending_ = Batch::Sending::kCombined;
  KnownStream stream_;
  ExclusiveSpell alone_;
  LockPatience patience_;
  Strikes strikes_;
};

Dispatcher::Dispatcher(Parts parts, DispatcherOptions options, Database& database)
    : impl_(std::make_unique<Impl>(std::move(parts), std::move(options), database)) {}
Dispatcher::~Dispatcher() = default;

void Dispatcher::apply(std::span<const Record> records, OwnedPartitions& partitions) {
  impl_->apply(records, partitions);
}

std::size_t Dispatcher::reach() const { return impl_->reach(); }

void Dispatcher::redrive(OwnedPartitions& partitions) { impl_->redrive(partitions); }

}  // namespace kinbox

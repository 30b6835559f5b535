#include <algorithm>
#include <random>
#include <thread>
#include <utility>

#include "core/coordinates_text.hpp"
#include "core/exclusive_spell.hpp"
#include "core/failure.hpp"
#include "core/ladder.hpp"
#include "core/own_statements.hpp"
#include "core/random_name.hpp"
#include "core/replay/replay_batch.hpp"
#include "core/replay/replay_crashes.hpp"
#include "core/replay/replay_events.hpp"
#include "core/replay/replay_plan.hpp"
#include "kinbox/errors.hpp"
#include "kinbox/replay.hpp"

namespace kinbox {
namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

constexpr milliseconds kTouchEvery = std::chrono::seconds{3};

constexpr std::string_view kTrusted =
    "SELECT first_offset, dedup_floor FROM {kinbox}.consumer_progress "
    "WHERE consumer = $1 AND topic = $2 AND partition = $3";

std::string place_of(const ReplayItem& item) {
  return coordinates_text(item.partition->progress.partition, item.record->offset());
}

std::optional<Replies> make_replies(const ConsumerSpec& consumer, const Dialect& dialect) {
  if (!consumer.replies) return std::nullopt;
  return Replies({consumer.name, *consumer.replies, consumer.outbox}, dialect);
}

/// The replay has to stop; the text says why.
struct Stopped {
  std::string why;
};

}  // namespace

std::string_view to_text(ReplayMode mode) {
  switch (mode) {
    case ReplayMode::kFill:
      return "fill";
    case ReplayMode::kTrial:
      return "trial";
    case ReplayMode::kReprocess:
      break;
  }
  return "reprocess";
}

class Replayer::Impl {
 public:
  explicit Impl(Parts parts)
      : consumer_(std::move(parts.consumer)),
        options_(std::move(parts.options)),
        database_(std::move(parts.database)),
        observer_(parts.observer),
        wait_(std::move(parts.wait)),
        registry_(consumer_.handlers, database_->dialect(), consumer_.outbox),
        lock_(consumer_.name, database_->dialect()),
        inbox_(consumer_.name, database_->dialect()),
        rows_(database_->dialect()),
        crashes_({.database = *database_,
                  .first_batch = options_.max_batch,
                  .max_crashes = options_.max_crashes}),
        letters_(consumer_.name, database_->dialect()),
        letter_rows_(consumer_.name, database_->dialect()),
        parked_(consumer_.name, database_->dialect()),
        dead_letters_({.consumer = consumer_.name,
                       .group = consumer_.group,
                       .dlq_topic = consumer_.dlq_topic,
                       .relay = consumer_.relay_dead_letters},
                      database_->dialect()),
        budget_(consumer_.name, options_.dlq_budget, database_->dialect()),
        replies_(make_replies(consumer_, database_->dialect())),
        trusted_(database_->dialect().render(kTrusted)),
        batch_parts_{.run = run_,
                     .database = *database_,
                     .lock = lock_,
                     .inbox = inbox_,
                     .rows = rows_,
                     .letters = letters_,
                     .letter_rows = letter_rows_,
                     .parked = parked_,
                     .dead_letters = dead_letters_,
                     .budget = budget_,
                     .clock = clock_,
                     .replies = replies_ ? &*replies_ : nullptr,
                     .max_transaction_time = options_.max_transaction_time},
        limit_(options_.max_batch) {
    require_usable(registry_.ladders(options_.on_error));
    run_.consumer = consumer_.name;
    run_.owner = random_name();
  }

  std::vector<Progress> take(std::int64_t replay) {
    ReplayRow row;
    own_transaction(*database_, "take replay", [&](OpenTransaction& tx) {
      crashes_.take(tx, replay, run_.owner);
      row = take_row(tx, replay);
      load(tx, replay);
    });
    run_.id = replay;
    run_.generation = row.generation;
    run_.choices = read_recorded_plan(row.plan).choices;
    events_.emplace(ReplayEvents::Rules{consumer_.decoder, registry_, run_.choices.filter,
                                        options_.older_than});
    if (run_.choices.mode == ReplayMode::kReprocess && !row.prepared) prepare();
    return progress();
  }

  Outcome apply(std::span<const Record> records) {
    return guarded([&] {
      reload_if_unsure();
      auto items = items_of(records);
      run(items);
    });
  }

  Outcome finish() {
    return guarded([&] {
      reload_if_unsure();
      own_transaction(*database_, "end replay", [&](OpenTransaction& tx) {
        for (const auto& [id, partition] : partitions_) pass_to_end(tx, partition.progress);
        if (!rows_.end(tx, run_.id, "done") && !was_ended(tx)) throw Stopped{state_now(tx)};
      });
      for (auto& [id, partition] : partitions_) partition.progress.next = partition.progress.end;
    });
  }

  void leave() {
    if (run_.id == 0) return;
    own_transaction(*database_, "leave replay",
                    [&](OpenTransaction& tx) { rows_.leave(tx, run_.id, run_.owner); });
  }

  std::vector<Progress> progress() const {
    std::vector<Progress> all;
    for (const auto& [id, partition] : partitions_) {
      all.push_back(partition.progress);
      all.back().suspect = crashes_.suspects({id, partition.progress.next});
    }
    return all;
  }
  const std::string& why() const { return why_; }

 private:
  using Items = std::span<ReplayItem>;

  template <typename Work>
  Outcome guarded(Work work) {
    try {
      work();
      return Outcome::kDone;
    } catch (const Stopped& stopped) {
      why_ = stopped.why;
      return Outcome::kStopped;
    } catch (const InfrastructureError&) {
      // Nobody knows whether the last COMMIT was one.
      unsure_ = true;
      throw;
    }
  }

  ReplayRow take_row(OpenTransaction& tx, std::int64_t replay) {
    const auto name = "replay " + std::to_string(replay);
    auto row = rows_.find(tx, replay);
    if (!row) throw RefusedError("there is no " + name + "; see `kinbox replay list`");
    if (row->consumer != consumer_.name)
      throw RefusedError(name + " is of consumer " + row->consumer + ", not of " + consumer_.name);
    if (!rows_.take(tx, replay, run_.owner, database_->session()))
      throw RefusedError(
          name + " is " + row->state +
          (row->state_reason.empty() ? "" : " (" + row->state_reason + ")") +
          (row->state == "paused" ? "; `kinbox replay resume` goes on with it" : ""));
    return *row;
  }

  /// All of it, or nothing when the database goes away meanwhile.
  void load(OpenTransaction& tx, std::int64_t replay) {
    std::map<TopicPartition, ReplayPartition> loaded;
    for (auto& progress : rows_.progress(tx, replay)) {
      const auto id = progress.partition;
      auto& partition = loaded[id];
      for (const auto row : tx.query(trusted_, consumer_.name, id.topic, id.partition))
        partition.trusted_from =
            std::max(row.get<std::int64_t>("first_offset"), row.get<std::int64_t>("dedup_floor"));
      partition.progress = std::move(progress);
    }
    partitions_ = std::move(loaded);
  }

  void reload_if_unsure() {
    if (!unsure_) return;
    own_transaction(*database_, "look at replay", [&](OpenTransaction& tx) { load(tx, run_.id); });
    unsure_ = false;
  }

  /// By us: the answer was lost.
  bool was_ended(OpenTransaction& tx) const {
    const auto row = rows_.find(tx, run_.id);
    return row && row->state == "done" && row->owner == run_.owner;
  }

  std::string state_now(OpenTransaction& tx) const {
    const auto row = rows_.find(tx, run_.id);
    if (!row) return "it is no longer there";
    if (row->state != "running")
      return "it is " + row->state +
             (row->state_reason.empty() ? std::string() : ": " + row->state_reason);
    return "another process has taken it over";
  }

  /// Undoes what is to be done again, once, however often the replay is taken up.
  void prepare() {
    if (partitions_.empty()) return;
    ReplayRange range{
        .consumer = consumer_.name, .generation = run_.generation, .slices = {}, .filter = {}};
    range.filter = run_.choices.filter;
    for (const auto& [id, partition] : partitions_)
      range.slices.push_back({id, partition.progress.begin, partition.progress.end});
    try {
      const auto tx = database_->begin();
      const auto& first = partitions_.begin()->second.progress;
      own_statements("prepare", [&] {
        if (rows_.open(*tx, run_.id, run_.owner, first, first.next).affected_rows() != 1 ||
            !rows_.prepare(*tx, run_.id, run_.owner))
          throw InfrastructureError("replay " + std::to_string(run_.id) +
                                    " was taken over while it was prepared");
      });
      for (const auto& use : consumer_.handlers) prepare(*tx, use.spec.name, range);
      tx->flush();
      own_statements("prepare", [&] {
        Progress nothing;
        nothing.partition = first.partition;
        rows_.close(*tx, run_.id, nothing);
      });
      tx->commit();
    } catch (const InfrastructureError&) {
      throw;
    } catch (const std::exception& e) {
      const auto why = std::string("prepare_reprocess failed: ") + e.what();
      pause(why);
      throw Error("replay " + std::to_string(run_.id) + " is paused: " + why);
    }
  }

  void prepare(OpenTransaction& tx, const std::string& handler, const ReplayRange& range) {
    const auto& wanted = range.filter.handlers;
    if (!wanted.empty() && std::ranges::find(wanted, handler) == wanted.end()) return;
    const auto* const entry = registry_.by_name(handler);
    if (!entry->traits.reprocessable) return;
    const HandlerScope scope(tx, {.consumer = consumer_.name});
    entry->handler->prepare_reprocess(range, tx);
  }

  std::vector<ReplayItem> items_of(std::span<const Record> records) {
    std::vector<ReplayItem> items;
    items.reserve(records.size());
    for (const auto& record : records) {
      const auto partition = partitions_.find(record.topic_partition());
      if (partition == partitions_.end()) continue;
      const auto& progress = partition->second.progress;
      if (record.offset() < progress.next || record.offset() >= progress.end) continue;
      items.push_back(item_of(record, partition->second));
    }
    return items;
  }

  ReplayItem item_of(const Record& record, ReplayPartition& partition) const {
    ReplayItem item;
    item.record = &record;
    item.partition = &partition;
    auto found = events_->find(record);
    item.outside = found.kind == ReplayEvents::Kind::kOutside;
    item.event = std::move(found.event);
    if (found.kind == ReplayEvents::Kind::kMeant) item.handler = found.handler;
    return item;
  }

  void run(Items items) {
    while (!items.empty()) items = items.subspan(run_first(items));
  }

  /// As many of them as fit into one transaction; answers how many it has done with.
  std::size_t run_first(Items items) {
    auto& first = items.front();
    const auto place = place_in_log(first);
    if (is_called(first)) {
      if (auto crashed = crashes_.verdict(place)) {
        give_up(first, std::move(*crashed));
        return 1;
      }
      if (crashes_.suspects(place)) return run_suspected(items);
    }
    const auto odd = std::find_if(items.begin() + 1, items.end(),
                                  [&](const ReplayItem& item) { return stands_alone(item); });
    const auto wanted = nothing_to_run_ ? items.size() : limit_;
    const auto together = static_cast<std::size_t>(odd - items.begin());
    return run_some(items.first(std::min(together, wanted)));
  }

  /// What has its verdict passes, more and more at once. Before the first event that is to run it
  /// ends, and that one runs alone.
  std::size_t run_suspected(Items items) {
    crashes_.survived();
    const auto some = items.first(std::min(items.size(), probe_));
    const auto outcome = run_transaction(some, 0);
    probe_ = std::holds_alternative<ReplayCommitted>(outcome) ? 2 * some.size() : 1;
    const auto* const too_many = std::get_if<ReplayTooMany>(&outcome);
    if (too_many != nullptr && too_many->fits == 0) return run_some(items.first(1));
    return std::visit([&](const auto& o) { return go_on(o, some); }, outcome);
  }

  static ReplayCrashes::Place place_in_log(const ReplayItem& item) {
    return {item.partition->progress.partition, item.record->offset()};
  }
  /// Whether a handler may run for it.
  static bool is_called(const ReplayItem& item) {
    return !item.outside && item.handler != nullptr && !item.failure;
  }
  bool stands_alone(const ReplayItem& item) const {
    return is_called(item) &&
           (crashes_.suspects(place_in_log(item)) || crashes_.verdict(place_in_log(item)));
  }

  /// Answers how many it has done with.
  std::size_t run_some(Items items) {
    const auto outcome = run_batch(items);
    return std::visit([&](const auto& o) { return go_on(o, items); }, outcome);
  }

  ReplayOutcome run_batch(Items items) {
    const auto& first = items.front();
    const bool alone = items.size() == 1 && crashes_.suspects(place_in_log(first));
    if (!alone) {
      crashes_.survived();
      return run_transaction(items, limit_);
    }
    if (is_called(first) && !crashes_.begin(place_in_log(first))) return ReplayMissed{};
    auto outcome = run_transaction(items, limit_);
    const auto* const committed = std::get_if<ReplayCommitted>(&outcome);
    if (committed == nullptr)
      crashes_.survived();
    else if (committed->to_run > 0)
      crashes_.decided(first.partition->progress.partition);
    return outcome;
  }

  ReplayOutcome run_transaction(Items items, std::size_t max_to_run) {
    ReplayBatch::Manner manner{.one_by_one = std::exchange(one_by_one_, false),
                               .lock = alone_.active(Clock::now()) ? ConsumerLock::Mode::kExclusive
                                                                   : ConsumerLock::Mode::kShared,
                               .touch = Clock::now() >= next_touch_,
                               .max_to_run = max_to_run};
    try {
      auto outcome = ReplayBatch(batch_parts_, manner, items).run();
      if (manner.touch) next_touch_ = Clock::now() + kTouchEvery;
      return outcome;
    } catch (const DeadlockError&) {
      if (manner.lock == ConsumerLock::Mode::kExclusive) throw;
      // Alone, it meets nobody.
      alone_.deadlocked(Clock::now());
      return ReplayBlameOpen{};
    }
  }

  std::size_t go_on(const ReplayCommitted& committed, Items items) {
    // What came before foretells what comes, and verdicts that are only looked at cost little.
    nothing_to_run_ = committed.to_run == 0;
    if (items.size() == limit_)
      limit_ = std::min(options_.max_batch, limit_ + std::max<std::size_t>(1, limit_ / 8));
    return items.size();
  }

  std::size_t go_on(const ReplayMissed&, Items) {
    std::string why;
    own_transaction(*database_, "look at replay",
                    [&](OpenTransaction& tx) { why = state_now(tx); });
    throw Stopped{why};
  }

  std::size_t go_on(const ReplayEventFailed& failed, Items items) {
    run(items.first(failed.index));
    settle(items[failed.index], failed.error);
    return failed.index + 1;
  }

  std::size_t go_on(const ReplayCommitRefused& refused, Items items) {
    if (items.size() == 1) {
      settle(items[0], refused.error);
      return 1;
    }
    const auto half = items.size() / 2;
    run(items.first(half));
    run(items.subspan(half));
    return items.size();
  }

  std::size_t go_on(const ReplayBlameOpen&, Items) {
    one_by_one_ = true;
    return 0;
  }

  std::size_t go_on(const ReplayBudgetSpent&, Items) {
    stop(
        "so many events fail that the budget of dead letters (dlq_budget) is spent; remove the "
        "cause, then `kinbox replay resume`");
  }

  std::size_t go_on(const ReplayTooMany& too_many, Items items) {
    return run_some(items.first(too_many.fits));
  }

  std::size_t go_on(const ReplayTooLong& too_long, Items) {
    limit_ = too_long.fits;
    observer_.on_notice(notice::BatchShrunk{limit_});
    return 0;
  }

  /// Tries the item again as its ladder says; then it becomes a dead letter, or the replay stops.
  void settle(ReplayItem& item, std::exception_ptr error) {
    const auto since = Clock::now();
    for (int attempts = 1;; ++attempts) {
      auto diagnosis = diagnose(error);
      auto& failure = diagnosis.failure;
      failure.attempts = attempts;
      failure.handler = item.handler->name;
      failure.first_failed_at = std::chrono::floor<milliseconds>(std::chrono::system_clock::now());
      const auto& ladder = ladder_for(on_error_of(item), diagnosis.error_class, failure.error_code);
      const auto elapsed = std::chrono::duration_cast<milliseconds>(Clock::now() - since);
      const auto delay = retry_delay(ladder, diagnosis, attempts, elapsed, uniform_(random_));
      if (!delay) return give_up(item, std::move(failure), after_retries(ladder, diagnosis));
      wait_(*delay);
      auto again = try_once(item);
      if (!again) return;
      error = std::move(again);
    }
  }

  /// What it failed with; null if it did not.
  std::exception_ptr try_once(ReplayItem& item) {
    one_by_one_ = true;
    const auto outcome = run_batch({&item, 1});
    if (const auto* failed = std::get_if<ReplayEventFailed>(&outcome)) return failed->error;
    if (const auto* refused = std::get_if<ReplayCommitRefused>(&outcome)) return refused->error;
    if (!std::holds_alternative<ReplayCommitted>(outcome))
      std::visit([&](const auto& o) { go_on(o, Items{&item, 1}); }, outcome);
    if (std::holds_alternative<ReplayBlameOpen>(outcome)) return try_once(item);
    return nullptr;
  }

  const OnError& on_error_of(const ReplayItem& item) const {
    return item.handler->on_error ? *item.handler->on_error : options_.on_error;
  }

  /// Of what cannot be tried again.
  void give_up(ReplayItem& item, Failure failure) {
    failure.handler = item.handler->name;
    failure.first_failed_at = std::chrono::floor<milliseconds>(std::chrono::system_clock::now());
    Diagnosis hopeless;
    hopeless.permanent = true;
    give_up(item, std::move(failure), after_retries(on_error_of(item), hopeless));
  }

  void give_up(ReplayItem& item, Failure failure, Then then) {
    if (then == Then::kHalt)
      stop(place_of(item) + " failed, and on_error says halt: " + failure.error_text);
    item.failure = std::move(failure);
    observer_.on_notice(notice::DeadLettered{item.partition->progress.partition,
                                             item.record->offset(), item.event->id(),
                                             *item.failure});
    // Nothing but kinbox's own statements runs.
    if (try_once(item))
      throw InfrastructureError("the verdict of " + place_of(item) + " could not be stored");
  }

  void pause(const std::string& why) {
    own_transaction(*database_, "pause replay",
                    [&](OpenTransaction& tx) { rows_.pause(tx, run_.id, why); });
  }

  [[noreturn]] void stop(const std::string& why) {
    pause(why);
    throw Stopped{"it is paused: " + why};
  }

  /// The rest carries no records any more.
  void pass_to_end(OpenTransaction& tx, const Progress& progress) {
    if (progress.next >= progress.end) return;
    if (rows_.open(tx, run_.id, run_.owner, progress, progress.end).affected_rows() != 1)
      throw Stopped{state_now(tx)};
    Progress nothing;
    nothing.partition = progress.partition;
    rows_.close(tx, run_.id, nothing);
  }

  ConsumerSpec consumer_;
  DispatcherOptions options_;
  std::unique_ptr<Database> database_;
  Observer& observer_;
  std::function<void(milliseconds)> wait_;
  HandlerRegistry registry_;
  ConsumerLock lock_;
  Inbox inbox_;
  ReplayRows rows_;
  ReplayCrashes crashes_;
  ReplayLetters letters_;
  LetterRows letter_rows_;
  ParkedRows parked_;
  DeadLetters dead_letters_;
  DlqBudget budget_;
  std::optional<Replies> replies_;
  std::string trusted_;
  HandlerClock clock_;
  ReplayBatch::Run run_;
  ReplayBatch::Parts batch_parts_;
  std::optional<ReplayEvents> events_;
  std::map<TopicPartition, ReplayPartition> partitions_;
  ExclusiveSpell alone_;
  std::size_t limit_;
  bool nothing_to_run_ = false;
  /// Of those under suspicion, how many are looked at together.
  std::size_t probe_ = 1;
  bool one_by_one_ = false;
  bool unsure_ = false;
  std::string why_;
  Clock::time_point next_touch_{};
  std::mt19937_64 random_{std::random_device{}()};
  std::uniform_real_distribution<double> uniform_{0.0, 1.0};
};

Replayer::Replayer(Parts parts) : impl_(std::make_unique<Impl>(std::move(parts))) {}
Replayer::~Replayer() = default;

std::vector<Replayer::Progress> Replayer::take(std::int64_t replay) { return impl_->take(replay); }
Replayer::Outcome Replayer::apply(std::span<const Record> records) { return impl_->apply(records); }
Replayer::Outcome Replayer::finish() { return impl_->finish(); }
std::vector<Replayer::Progress> Replayer::progress() const { return impl_->progress(); }
void Replayer::leave() { impl_->leave(); }
const std::string& Replayer::why() const { return impl_->why(); }

}  // namespace kinbox

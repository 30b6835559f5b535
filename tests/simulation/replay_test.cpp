// Replays by processes that die, are relieved, and whose COMMITs nobody answers, beside live
// batches, rows that are lost and rows that are pruned: each event runs once more per generation
// and never twice in it, what has a verdict is not filled, and no live position is moved.
#include "kinbox/replay.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <set>

#include "core/own_statements.hpp"
#include "core/replay/replay_plan.hpp"
#include "core/replay/replay_rows.hpp"
#include "kinbox/inbox.hpp"
#include "kinbox/progress.hpp"
#include "kinbox/retention.hpp"
#include "kinbox/testing/fault_database.hpp"
#include "simulation/dice.hpp"
#include "simulation/world.hpp"

namespace kinbox::simulation {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using testing::FaultPoint;

constexpr const char* kConsumer = "orders";
constexpr const char* kTopic = "t";
constexpr int kPartitions = 2;
constexpr milliseconds kWindow = hours{2 * 24};

/// What is seen, over all seeds, so that nobody believes in tests that test nothing.
struct Sights {
  int filled = 0;
  int reprocessed = 0;
  int ended = 0;
  int crashes = 0;
  int lost_answers = 0;
  int relieved = 0;
  int repeated = 0;
  std::int64_t pruned = 0;
};

class ReplayedLife {
 public:
  ReplayedLife(Store& store, std::uint64_t seed, Sights& sights)
      : store_(store), database_(store.database()), time_(seed), dice_(seed), sights_(sights) {
    store.wipe();
    for (std::int32_t number = 0; number < kPartitions; ++number)
      own_transaction(database_, "life",
                      [&](OpenTransaction& tx) { progress_.create(tx, partition(number), 0); });
  }

  void run() {
    for (int step = 0; step < 250 && !::testing::Test::HasFailure(); ++step) {
      happen();
      judge_effects();
    }
    end_replay();
  }

 private:
  /// A process that is at work on the replay.
  struct Process {
    std::unique_ptr<Replayer> replayer;
    /// It is dead: nothing of it reaches the database any more.
    bool dead = false;
  };
  struct Crash {};

  /// A replay that has not ended.
  struct Current {
    std::int64_t id = 0;
    bool reprocess = false;
    std::map<TopicPartition, std::pair<Offset, Offset>> pieces;
    /// Verdicts when it was recorded.
    std::set<std::string> applied;
    /// Whose rows were lost meanwhile, or ran live: what it meets may be either.
    std::set<std::string> moved;
  };

  class Rerun : public Handler {
   public:
    explicit Rerun(ReplayedLife& life) : life_(life) {}
    void handle(const Event& event, Transaction& tx) override {
      tx.execute(kInsertEffect, event.id(), life_.current_->id);
      if (life_.faults_ && life_.dice_.one_in(20)) throw std::runtime_error("not now");
    }

   private:
    ReplayedLife& life_;
  };

  static constexpr const char* kInsertEffect =
      "INSERT INTO main.effects (event_id, key, topic, partition, record_offset, value, "
      "incarnation, owner) VALUES ($1, '', '', 0, 0, '', $2, '')";

  static TopicPartition partition(std::int32_t number) { return {kTopic, number}; }

  void happen() {
    switch (dice_.below(16)) {
      case 0:
        return time_.advance(hours{dice_.below(24)});
      case 1:
        return prune();
      case 2:
        return lose_row();
      case 3:
      case 4:
        return begin_replay();
      case 5:
        return crash();
      case 6:
        return pause_or_cancel();
      case 7:
      case 8:
      case 9:
        return deliver(static_cast<std::int32_t>(dice_.below(kPartitions)));
      default:
        return replay_a_little();
    }
  }

  std::string next_id() {
    if (published_.empty() || !dice_.one_in(3)) published_.push_back("e-" + std::to_string(++ids_));
    return dice_.one_in(2) ? published_.back() : dice_.pick(published_);
  }

  /// As a worker does it, who waits while a replay holds the partition.
  void deliver(std::int32_t number) {
    const auto where = partition(number);
    auto& log = logs_[where];
    own_transaction(database_, "life", [&](OpenTransaction& tx) {
      const auto claim = *progress_.take(tx, where, "");
      if (claim.held_by) return;
      const auto begin = claim.next_offset;
      const auto end = begin + 1 + static_cast<Offset>(dice_.below(8));
      while (static_cast<Offset>(log.size()) < end) log.push_back(next_id());
      ASSERT_EQ(progress_.open(tx, where, claim, end, "").result(), Progress::Opened::kOpened);
      std::vector<OwnedRecord> records;
      for (auto offset = begin; offset < end; ++offset) records.push_back(record_at(where, offset));
      std::vector<Inbox::Claim> claims;
      for (const auto& record : records)
        claims.push_back({.event_id = log[static_cast<std::size_t>(record.offset)],
                          .event_type = "Paid",
                          .topic = where.topic,
                          .partition = number,
                          .offset = record.offset,
                          .verdict = Verdict::kApplied,
                          .fingerprint = Fingerprint::of(as_bytes(*record.value))});
      Tally tally;
      const auto is_new = inbox_.claim(tx, claims);
      for (std::size_t i = 0; i < claims.size(); ++i) {
        is_new[i] ? ++tally.applied : ++tally.duplicates;
        const std::string id(claims[i].event_id);
        if (is_new[i]) tx.execute(kInsertEffect, id, 0);
        if (is_new[i] && current_) current_->moved.insert(id);
      }
      progress_.close(tx, where, tally);
    });
  }

  OwnedRecord record_at(const TopicPartition& where, Offset offset) {
    OwnedRecord record;
    record.topic = where.topic;
    record.partition = where.partition;
    record.offset = offset;
    record.value = R"({"eventId":")" + logs_[where][static_cast<std::size_t>(offset)] +
                   R"(","eventType":"Paid"})";
    return record;
  }

  /// What a fill is for.
  void lose_row() {
    if (published_.empty()) return;
    const auto& id = dice_.pick(published_);
    own_transaction(database_, "life", [&](OpenTransaction& tx) {
      tx.execute("DELETE FROM main.processed_events WHERE event_id = $1 AND verdict = 'applied'",
                 id);
    });
    ran_at_.erase(id);
    if (!current_) return;
    current_->moved.insert(id);
    runs_.erase({current_->id, id});
  }

  void prune() {
    PruneOptions options;
    options.rest = 0;
    options.batch = 1 + dice_.below(20);
    std::int64_t pruned = 0;
    options.on_rows = [&](OpenTransaction&, std::int64_t rows) { pruned += rows; };
    try {
      Pruner(database_, {.inbox = kWindow}, options).prune(kConsumer);
    } catch (const RefusedError&) {
      EXPECT_TRUE(current_);
    }
    EXPECT_TRUE(!current_ || pruned == 0) << "a replay trusts the inbox";
    sights_.pruned += pruned;
  }

  ConsumerSpec spec() {
    ConsumerSpec spec;
    spec.name = kConsumer;
    spec.group = "g";
    spec.topics = {kTopic};
    HandlerSpec handler;
    handler.name = "again";
    handler.event_types = {"Paid"};
    handler.traits.reprocessable = true;
    handler.make = [this](const HandlerContext&) { return std::make_unique<Rerun>(*this); };
    spec.handlers.push_back({std::move(handler)});
    return spec;
  }

  void begin_replay() {
    if (current_) return;
    const auto live = live_rows();
    ReplayPlan plan;
    plan.consumer = kConsumer;
    ReplayChoices choices;
    if (dice_.one_in(2)) choices.mode = ReplayMode::kReprocess;
    choices.beside_live = dice_.one_in(2);
    NewReplay fresh{.consumer = kConsumer,
                    .choices = choices,
                    .plan_hash = "h",
                    .plan = to_text(plan, choices),
                    .who = "zoe",
                    .audit_id = 0,
                    .pieces = {}};
    Current begun;
    begun.reprocess = choices.mode == ReplayMode::kReprocess;
    own_transaction(database_, "life", [&](OpenTransaction& tx) {
      for (const auto row : tx.query("SELECT partition, next_offset FROM main.consumer_progress")) {
        const auto where = partition(static_cast<std::int32_t>(row.get<std::int64_t>(0)));
        const auto position = row.get<std::int64_t>(1);
        if (position == 0) continue;
        const auto begin = static_cast<Offset>(dice_.below(static_cast<std::size_t>(position)));
        fresh.pieces.push_back({.slice = {where, begin, position}, .topic_id = ""});
        begun.pieces[where] = {begin, position};
      }
      begun.applied = applied(tx);
      if (!fresh.pieces.empty()) begun.id = ReplayRows(tx.dialect()).record(tx, fresh);
    });
    EXPECT_EQ(live_rows(), live);
    if (begun.id == 0) return;
    if (begun.reprocess) reprocesses_.insert(begun.id);
    current_ = std::move(begun);
  }

  static std::set<std::string> applied(OpenTransaction& tx) {
    std::set<std::string> ids;
    for (const auto row :
         tx.query("SELECT event_id FROM main.processed_events WHERE verdict = 'applied'"))
      ids.insert(row.get<std::string>(0));
    return ids;
  }

  /// One of the processes that are at work, or a new one, that relieves the others.
  void replay_a_little() {
    if (!current_) return;
    if (processes_.empty() || dice_.one_in(12)) hire();
    const auto live = live_rows();
    if (!processes_.empty()) let_one_work();
    EXPECT_EQ(live_rows(), live) << "a replay moves nothing of the live consumer's";
    // Whoever ended it may not have heard of that.
    if (!is_done()) return;
    judge_replay();
    processes_.clear();
    current_.reset();
  }

  void let_one_work() {
    const auto index = dice_.below(processes_.size());
    if (work(*processes_[index]))
      processes_.erase(processes_.begin() + static_cast<std::ptrdiff_t>(index));
  }

  bool is_done() {
    const auto tx = database_.begin();
    return tx->query("SELECT id FROM main.replays WHERE id = $1 AND state = 'done'", current_->id)
               .size() == 1;
  }

  void hire() {
    auto process = std::make_unique<Process>();
    auto& hired = *process;
    DispatcherOptions options;
    options.max_batch = 1 + dice_.below(6);
    options.max_crashes = 1'000'000;
    options.on_error.retry = {
        .max_attempts = 3, .first_delay = milliseconds{50}, .max_delay = milliseconds{1000}};
    hired.replayer = std::make_unique<Replayer>(
        Replayer::Parts{.consumer = spec(),
                        .options = options,
                        .database = testing::with_faults(
                            store_.connection(), [&](FaultPoint point) { strike(hired, point); }),
                        .observer = observer_,
                        .wait = [this](milliseconds time) { time_.advance(time); }});
    try {
      hired.replayer->take(current_->id);
      processes_.push_back(std::move(process));
    } catch (const RefusedError&) {
      // It is paused.
    } catch (const InfrastructureError&) {
    } catch (const Crash&) {
      ++sights_.crashes;
    }
  }

  void strike(Process& process, FaultPoint point) {
    if (process.dead) throw Crash();
    if (!faults_) return;
    if (dice_.one_in(150)) {
      process.dead = true;
      throw Crash();
    }
    if (!dice_.one_in(60)) return;
    if (point == FaultPoint::kAfterCommit) ++sights_.lost_answers;
    throw InfrastructureError("the network");
  }

  /// Whether the process is over.
  bool work(Process& process) {
    try {
      return go_on(process);
    } catch (const InfrastructureError&) {
      return false;
    } catch (const Crash&) {
      ++sights_.crashes;
      return true;
    }
  }

  bool go_on(Process& process) {
    std::vector<Record> records;
    const auto most = 1 + dice_.below(8);
    for (const auto& progress : process.replayer->progress())
      for (auto offset = progress.next; offset < progress.end && records.size() < most; ++offset)
        records.emplace_back(record_at(progress.partition, offset));
    const auto outcome =
        records.empty() ? process.replayer->finish() : process.replayer->apply(records);
    if (outcome == Replayer::Outcome::kStopped) {
      ++sights_.relieved;
      process.replayer->leave();
      return true;
    }
    if (!records.empty()) return false;
    process.replayer->leave();
    return true;
  }

  void crash() {
    if (processes_.empty()) return;
    ++sights_.crashes;
    processes_.erase(processes_.begin() +
                     static_cast<std::ptrdiff_t>(dice_.below(processes_.size())));
  }

  void pause_or_cancel() {
    if (!current_) return;
    bool cancelled = false;
    own_transaction(database_, "life", [&](OpenTransaction& tx) {
      const ReplayRows rows(tx.dialect());
      if (dice_.one_in(8))
        cancelled = rows.end(tx, current_->id, "cancelled");
      else if (!rows.resume(tx, current_->id))
        rows.pause(tx, current_->id, "for a while");
    });
    if (!cancelled) return;
    processes_.clear();
    current_.reset();
  }

  void end_replay() {
    faults_ = false;
    for (int n = 0; n < 1'000 && current_ && !::testing::Test::HasFailure(); ++n) {
      own_transaction(database_, "life", [&](OpenTransaction& tx) {
        ReplayRows(tx.dialect()).resume(tx, current_->id);
      });
      replay_a_little();
      judge_effects();
    }
    EXPECT_FALSE(current_) << "it never came to its end";
  }

  std::string live_rows() {
    std::string all;
    const auto tx = database_.begin();
    for (const auto row : tx->query(
             "SELECT partition || ' ' || next_offset || ' ' || first_offset || ' ' || epoch || "
             "' ' || applied || ' ' || duplicates || ' ' || parked || ' ' || dead || ' ' || "
             "skipped || ' ' || gaps || ' ' || dedup_floor FROM main.consumer_progress "
             "ORDER BY partition"))
      all += row.get<std::string>(0) + '\n';
    return all;
  }

  /// Effects that were committed since it looked last.
  void judge_effects() {
    const auto tx = database_.begin();
    for (const auto row : tx->query(
             "SELECT seq, event_id, incarnation FROM main.effects WHERE seq > $1 ORDER BY seq",
             seen_)) {
      seen_ = row.get<std::int64_t>("seq");
      const auto id = row.get<std::string>("event_id");
      const auto replay = row.get<std::int64_t>("incarnation");
      const int runs = replay == 0 ? 1 : ++runs_[std::pair(replay, id)];
      EXPECT_EQ(runs, 1) << id << " in replay " << replay;
      if (!reprocesses_.contains(replay)) judge_first_run(id);
      ran_at_[id] = time_.milliseconds();
    }
  }

  /// The window's promise, of live batches and of fills.
  void judge_first_run(const std::string& id) {
    const auto last = ran_at_.find(id);
    if (last == ran_at_.end()) return;
    const auto age = time_.milliseconds() - last->second;
    EXPECT_GE(age, kWindow.count()) << id << " ran again " << age << "ms later";
    ++sights_.repeated;
  }

  void judge_replay() {
    judge_effects();
    const auto tx = database_.begin();
    for (const auto row : tx->query(
             "SELECT partition, begin_offset, end_offset, next_offset, applied + known + dead + "
             "left_alone AS decided FROM main.replay_progress WHERE replay_id = $1",
             current_->id)) {
      EXPECT_EQ(row.get<std::int64_t>("next_offset"), row.get<std::int64_t>("end_offset"));
      EXPECT_EQ(row.get<std::int64_t>("decided"),
                row.get<std::int64_t>("end_offset") - row.get<std::int64_t>("begin_offset"));
    }
    const auto now = applied(*tx);
    for (const auto& [where, piece] : current_->pieces)
      for (auto offset = piece.first; offset < piece.second; ++offset) {
        const auto& id = logs_[where][static_cast<std::size_t>(offset)];
        if (current_->moved.contains(id) || !now.contains(id)) continue;
        const bool was_applied = current_->applied.contains(id);
        const auto runs = runs_.find({current_->id, id});
        const int ran = runs == runs_.end() ? 0 : runs->second;
        EXPECT_EQ(ran, current_->reprocess || !was_applied ? 1 : 0)
            << id << (was_applied ? " was applied before" : " had no verdict");
        ++(current_->reprocess ? sights_.reprocessed : sights_.filled);
      }
    ++sights_.ended;
  }

  Store& store_;
  Database& database_;
  VirtualTime time_;
  Dice dice_;
  Sights& sights_;
  Observer observer_;
  Progress progress_{kConsumer, "me", database_.dialect()};
  Inbox inbox_{kConsumer, database_.dialect()};
  std::map<TopicPartition, std::vector<std::string>> logs_;
  std::vector<std::string> published_;
  std::map<std::string, std::int64_t> ran_at_;
  std::map<std::pair<std::int64_t, std::string>, int> runs_;
  std::set<std::int64_t> reprocesses_;
  std::int64_t seen_ = 0;
  int ids_ = 0;
  bool faults_ = true;
  std::optional<Current> current_;
  std::vector<std::unique_ptr<Process>> processes_;
};

TEST(ReplayUnderEverySchedule, RunsEachEventOncePerGenerationAndMovesNoPosition) {
  Store store;
  Sights sights;
  for (std::uint64_t seed = 1; seed <= 300; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    ReplayedLife(store, seed, sights).run();
    if (HasFailure()) return;
  }
  EXPECT_GT(sights.ended, 500);
  EXPECT_GT(sights.reprocessed, 5'000);
  EXPECT_GT(sights.filled, 5'000);
  EXPECT_GT(sights.crashes, 500);
  EXPECT_GT(sights.lost_answers, 100);
  EXPECT_GT(sights.relieved, 100);
  EXPECT_GT(sights.pruned, 1'000);
}

}  // namespace
}  // namespace kinbox::simulation

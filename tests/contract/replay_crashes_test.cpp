#include "core/replay/replay_crashes.hpp"

#include <gmock/gmock.h>

#include "core/replay/replay_rows.hpp"
#include "core/replay/trial_rows.hpp"
#include "kinbox/progress.hpp"
#include "support/test_database.hpp"

namespace kinbox::testing {
namespace {

using Place = ReplayCrashes::Place;

const TopicPartition kP0{"orders", 0};
const TopicPartition kP1{"orders", 1};

/// Processes that have a replay of offsets 0 to 100 of two partitions, one after the other.
class ReplayCrashesContract : public DatabaseContract {
 protected:
  void prepare() override {
    migrate(database());
    plan_.consumer = "orders";
    NewReplay fresh{.consumer = "orders",
                    .choices = {},
                    .plan_hash = "h",
                    .plan = "{}",
                    .who = "somebody",
                    .audit_id = 0,
                    .pieces = {}};
    const auto tx = database().begin();
    const Progress progress("orders", "owner", tx->dialect());
    for (const auto& id : {kP0, kP1}) {
      progress.create(*tx, id, 100);
      ReplayPlan::Partition partition;
      partition.slice = {id, 0, 100};
      plan_.partitions.push_back(partition);
      fresh.pieces.push_back({.slice = {id, 0, 100}, .topic_id = ""});
    }
    replay_ = ReplayRows(tx->dialect()).record(*tx, fresh);
    tx->commit();
  }

  ReplayCrashes ledger(ReplayCrashes::Of of = ReplayCrashes::Of::kReplay) {
    return ReplayCrashes({.database = database(), .of = of, .first_batch = 2, .max_crashes = 2});
  }
  void take(ReplayCrashes& ledger, const std::string& owner) {
    const auto tx = database().begin();
    ledger.take(*tx, replay_, owner);
    ASSERT_TRUE(ReplayRows(tx->dialect()).take(*tx, replay_, owner, ""));
    tx->commit();
  }
  ReplayCrashes taken(const std::string& owner) {
    auto fresh = ledger();
    take(fresh, owner);
    return fresh;
  }
  void leave(const std::string& owner) {
    const auto tx = database().begin();
    ReplayRows(tx->dialect()).leave(*tx, replay_, owner);
    tx->commit();
  }
  /// It begins `place` alone, and dies.
  void die_at(const std::string& owner, const Place& place) {
    auto dying = taken(owner);
    EXPECT_TRUE(dying.begin(place));
  }

  ReplayPlan plan_;
  std::int64_t replay_ = 0;
};
KINBOX_FOR_ALL_DATABASES(ReplayCrashesContract);

TEST_P(ReplayCrashesContract, WhoeverFollowsOneThatLeftInOrderSuspectsNothing) {
  EXPECT_FALSE(taken("a").suspicious());
  leave("a");
  EXPECT_FALSE(taken("b").suspicious());
}

TEST_P(ReplayCrashesContract, WhoeverFollowsOneThatDiedRunsRecordsAloneUntilABatchIsDecided) {
  taken("a");
  auto next = taken("b");
  EXPECT_TRUE(next.suspects({kP0, 0}));
  EXPECT_TRUE(next.suspects({kP1, 99}));
  next.decided(kP0);
  EXPECT_TRUE(next.suspects({kP0, 1}));
  next.decided(kP0);
  EXPECT_FALSE(next.suspects({kP0, 2}));
  EXPECT_TRUE(next.suspects({kP1, 0}));
  // A suspicion outlives those who leave in order before it is cleared up.
  leave("b");
  auto third = taken("c");
  EXPECT_FALSE(third.suspects({kP0, 2}));
  EXPECT_TRUE(third.suspects({kP1, 0}));
}

TEST_P(ReplayCrashesContract, WhoeverTakesWhatItHasLostAConnectionOnly) {
  auto one = taken("a");
  one.begin({kP0, 5});
  take(one, "a");
  EXPECT_FALSE(one.suspicious());
  EXPECT_FALSE(one.verdict({kP0, 5}));
}

TEST_P(ReplayCrashesContract, AMarkThatIsFoundIsChargedToItsRecord) {
  taken("a");
  die_at("b", {kP0, 5});
  EXPECT_FALSE(taken("c").verdict({kP0, 5})) << "once is not enough";
  // Another record in between does not make up for it.
  die_at("d", {kP1, 7});
  die_at("e", {kP0, 5});
  const auto last = taken("f");
  const auto verdict = last.verdict({kP0, 5});
  ASSERT_TRUE(verdict);
  EXPECT_EQ(verdict->reason, "crashed");
  EXPECT_EQ(verdict->attempts, 2);
  EXPECT_FALSE(last.verdict({kP1, 7}));
  EXPECT_FALSE(last.verdict({kP0, 6}));
}

TEST_P(ReplayCrashesContract, WhatWasSurvivedIsNotCharged) {
  taken("a");
  for (const auto* owner : {"b", "c", "d"}) {
    auto survivor = taken(owner);
    survivor.begin({kP0, 5});
    survivor.survived();
  }
  EXPECT_FALSE(taken("e").verdict({kP0, 5}));
  for (const auto* owner : {"f", "g", "h"}) {
    taken(owner).begin({kP0, 6});
    leave(owner);
  }
  EXPECT_FALSE(taken("i").verdict({kP0, 6})) << "they left in order";
}

TEST_P(ReplayCrashesContract, TheNextRecordThatIsBegunEndsTheMarkOfTheOneBefore) {
  taken("a");
  for (const auto* owner : {"b", "c"}) {
    auto one = taken(owner);
    one.begin({kP0, 5});
    one.begin({kP1, 6});
  }
  const auto last = taken("d");
  EXPECT_FALSE(last.verdict({kP0, 5}));
  EXPECT_TRUE(last.verdict({kP1, 6}));
}

TEST_P(ReplayCrashesContract, WhoeverWasRelievedMarksNothing) {
  auto relieved = taken("a");
  auto next = taken("b");
  EXPECT_FALSE(relieved.begin({kP0, 5}));
  EXPECT_EQ(number("SELECT count(*) FROM {kinbox}.replay_progress WHERE attempting IS NOT NULL"),
            0);
  EXPECT_TRUE(next.begin({kP0, 6}));
  relieved.survived();
  EXPECT_EQ(number("SELECT count(*) FROM {kinbox}.replay_progress WHERE attempting = 6"), 1);
}

TEST_P(ReplayCrashesContract, WhoResumesAPausedReplayForgives) {
  die_at("a", {kP0, 5});
  die_at("b", {kP0, 5});
  const ReplayRows rows(database().dialect());
  EXPECT_TRUE(taken("c").verdict({kP0, 5}));
  const auto tx = database().begin();
  EXPECT_FALSE(rows.resume(*tx, replay_)) << "it is running";
  EXPECT_EQ(tx->query(tx->dialect().render("SELECT * FROM {kinbox}.replay_crashes")).size(), 1U);
  rows.pause(*tx, replay_, "");
  EXPECT_TRUE(rows.resume(*tx, replay_));
  tx->commit();
  EXPECT_FALSE(taken("d").verdict({kP0, 5}));
}

TEST_P(ReplayCrashesContract, ATrialIsKnownByItsPlanUntilItEnds) {
  const TrialRows rows(database().dialect());
  const auto begin = [&](ReplayCrashes& of, const std::string& owner) {
    const auto tx = database().begin();
    const auto id =
        rows.take(*tx, plan_, owner, [&](std::int64_t trial) { of.take(*tx, trial, owner); });
    tx->commit();
    return id;
  };
  auto first = ledger(ReplayCrashes::Of::kTrial);
  const auto id = begin(first, "a");
  EXPECT_FALSE(first.suspicious());
  first.reached({{kP0, 40}, {kP1, 3}});
  auto second = ledger(ReplayCrashes::Of::kTrial);
  EXPECT_EQ(begin(second, "b"), id);
  EXPECT_FALSE(second.suspects({kP0, 39})) << "the one before survived it";
  EXPECT_TRUE(second.suspects({kP0, 40}));
  EXPECT_TRUE(second.suspects({kP1, 3}));
  second.begin({kP0, 41});
  auto third = ledger(ReplayCrashes::Of::kTrial);
  begin(third, "c");
  EXPECT_FALSE(third.suspects({kP0, 40}));
  EXPECT_TRUE(third.suspects({kP0, 41}));

  const auto another = [&] {
    auto changed = plan_;
    changed.filter.keys = {"k"};
    return changed;
  }();
  auto other = ledger(ReplayCrashes::Of::kTrial);
  {
    const auto tx = database().begin();
    EXPECT_NE(
        rows.take(*tx, another, "d", [&](std::int64_t trial) { other.take(*tx, trial, "d"); }), id);
  }
  EXPECT_FALSE(other.suspicious());
  {
    const auto tx = database().begin();
    rows.end(*tx, id, "b");
    EXPECT_EQ(tx->query(tx->dialect().render("SELECT count(*) FROM {kinbox}.replays"))[0]
                  .get<std::int64_t>(0),
              2)
        << "it is no longer theirs";
    rows.end(*tx, id, "c");
    tx->commit();
  }
  auto fresh = ledger(ReplayCrashes::Of::kTrial);
  EXPECT_NE(begin(fresh, "e"), id);
  EXPECT_FALSE(fresh.suspicious());
}

}  // namespace
}  // namespace kinbox::testing

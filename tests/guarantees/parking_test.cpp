// Events that wait: behind an earlier one of their key, on the database's clock, in order.
#include <gmock/gmock.h>

#include <atomic>
#include <mutex>
#include <set>
#include <utility>

#include "support/eventually.hpp"
#include "support/letters.hpp"
#include "support/pipeline.hpp"

namespace kinbox::testing {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;

class Parking : public Pipeline {
 protected:
  void prepare() override {
    Pipeline::prepare();
    auto& on_error = options.dispatch.on_error;
    on_error.retry.max_attempts = 1;
    on_error.then = Then::kPark;
    on_error.park.delays = {1h};
    handle = [this](const Event& event, Transaction& tx) {
      if (fails(event.id())) throw std::runtime_error("not now");
      insert_effect(event, tx);
    };
  }

  bool fails(const std::string& id) {
    const std::lock_guard lock(mutex_);
    ++tried_[id];
    return failing_.contains(id);
  }
  void fail(std::set<std::string> ids) {
    const std::lock_guard lock(mutex_);
    failing_ = std::move(ids);
  }
  int tried(const std::string& id) {
    const std::lock_guard lock(mutex_);
    return tried_[id];
  }

  std::vector<std::string> parked() {
    return texts("SELECT event_id FROM {kinbox}.parked_events ORDER BY record_offset");
  }
  std::vector<std::string> due() {
    return texts("SELECT event_id FROM {kinbox}.parked_events WHERE due_at IS NOT NULL");
  }

  void make_due() {
    change_from_outside(p0,
                        "UPDATE {kinbox}.parked_events SET due_at = {now} "
                        "WHERE due_at IS NOT NULL");
  }

 private:
  std::mutex mutex_;
  std::set<std::string> failing_;
  std::map<std::string, int> tried_;
};
KINBOX_FOR_ALL_DATABASES(Parking);

TEST_P(Parking, AFailingEventWaitsAndLaterOnesOfItsKeyBehindIt) {
  fail({"a1"});
  for (const auto* const id : {"a1", "b1", "a2", "b2", "a3"}) send(p0, id, std::string(1, id[0]));
  run_until_idle({p0});
  EXPECT_THAT(effects(), ElementsAre("b1", "b2"));
  EXPECT_THAT(parked(), ElementsAre("a1", "a2", "a3"));
  EXPECT_THAT(due(), ElementsAre("a1"));
  EXPECT_EQ(tried("a2"), 0);
  EXPECT_EQ(verdict("a2"), "parked");
  EXPECT_EQ(position(p0), 5);
  EXPECT_EQ(tally(p0), (Tally{.applied = 2, .parked = 3}));
  EXPECT_THAT(dead_reasons(), IsEmpty());
}

TEST_P(Parking, ALaterBatchWaitsToo) {
  fail({"a1"});
  send(p0, "a1", "a");
  run_until_idle({p0});
  fail({});
  send(p0, "a2", "a");
  send(p0, "b1", "b");
  run_until_idle({p0});
  EXPECT_THAT(effects(), ElementsAre("b1"));
  EXPECT_THAT(parked(), ElementsAre("a1", "a2"));
}

TEST_P(Parking, TheOrderOfAKeyHoldsWhenItGoesOn) {
  options.dispatch.on_error.park.delays.assign(10'000, 1ms);
  fail({"a1"});
  for (const auto* const id : {"a1", "a2", "a3"}) send(p0, id, "a");
  run_until({p0}, [&] {
    if (tried("a1") > 3) fail({});
    return effects().size() == 3;
  });
  EXPECT_THAT(effects(), ElementsAre("a1", "a2", "a3"));
  EXPECT_THAT(parked(), IsEmpty());
  EXPECT_EQ(tally(p0), (Tally{.applied = 3}));
  EXPECT_EQ(verdict("a3"), "applied");
}

TEST_P(Parking, AnEventThatFailsInTheMiddleOfItsQueueKeepsThoseBehindIt) {
  fail({"a1"});
  for (const auto* const id : {"a1", "a2", "a3"}) send(p0, id, "a");
  run_until_idle({p0});
  fail({"a2"});
  make_due();
  run_until_idle({p0});
  EXPECT_THAT(effects(), ElementsAre("a1"));
  EXPECT_THAT(parked(), ElementsAre("a2", "a3"));
  EXPECT_THAT(due(), ElementsAre("a2"));
  EXPECT_EQ(tried("a3"), 0);
  EXPECT_EQ(tally(p0), (Tally{.applied = 1, .parked = 2}));
}

TEST_P(Parking, WhenItsTriesAreUsedUpItIsDeadAndItsKeyGoesOn) {
  options.dispatch.on_error.park.delays = {1ms, 1ms};
  fail({"a1"});
  for (const auto* const id : {"a1", "a2"}) send(p0, id, "a");
  run_until({p0}, [&] { return effects().size() == 1; });
  EXPECT_THAT(effects(), ElementsAre("a2"));
  EXPECT_EQ(tried("a1"), 3);
  EXPECT_EQ(verdict("a1"), "dead");
  EXPECT_THAT(texts("SELECT attempts FROM {kinbox}.dead_letters"), ElementsAre("3"));
  EXPECT_THAT(texts(kTimesOfAttempts), ElementsAre("3"));
  EXPECT_THAT(parked(), IsEmpty());
  EXPECT_EQ(tally(p0), (Tally{.applied = 1, .dead = 1}));
}

TEST_P(Parking, WhatMayNotBeTriedAgainIsNotParked) {
  handle = [](const Event&, Transaction&) { throw PermanentError("no"); };
  send(p0, "a1", "a");
  run_until_idle({p0});
  EXPECT_THAT(dead_reasons(), ElementsAre("handler_rejected"));
  EXPECT_THAT(parked(), IsEmpty());
}

TEST_P(Parking, WhatTurnsOutHopelessLaterIsDeadAtOnce) {
  fail({"a1"});
  send(p0, "a1", "a");
  send(p0, "a2", "a");
  run_until_idle({p0});
  handle = [this](const Event& event, Transaction& tx) {
    if (event.id() == "a1") throw BusinessRejection("never");
    insert_effect(event, tx);
  };
  make_due();
  run_until_idle({p0});
  EXPECT_EQ(verdict("a1"), "dead");
  EXPECT_THAT(effects(), ElementsAre("a2"));
}

TEST_P(Parking, RecordsWithoutAKeyWaitAlone) {
  fail({"x"});
  for (const auto* const id : {"x", "y"}) {
    OwnedRecord record;
    record.value = json(id);
    log.append(p0, record);
  }
  run_until_idle({p0});
  EXPECT_THAT(effects(), ElementsAre("y"));
  EXPECT_THAT(parked(), ElementsAre("x"));
}

TEST_P(Parking, ADuplicateOfAWaitingEventIsOnlyCounted) {
  fail({"a1"});
  send(p0, "a1", "a");
  run_until_idle({p0});
  send(p0, "a1", "a");
  send(p1, "a1", "a");
  run_until_idle({p0, p1});
  EXPECT_THAT(parked(), ElementsAre("a1"));
  EXPECT_THAT(texts("SELECT seen_again FROM {kinbox}.parked_events"), ElementsAre("2"));
  EXPECT_EQ(tally(p0), (Tally{.duplicates = 1, .parked = 1}));
  fail({});
  make_due();
  run_until_idle({p0});
  EXPECT_THAT(effects(), ElementsAre("a1"));
}

TEST_P(Parking, ADuplicateInTheBatchThatParksItsEventIsCountedToo) {
  fail({"a1"});
  for (const auto* const id : {"a1", "a2", "a2"}) send(p0, id, "a");
  run_until_idle({p0});
  EXPECT_THAT(texts("SELECT seen_again FROM {kinbox}.parked_events ORDER BY record_offset"),
              ElementsAre("0", "1"));
  EXPECT_EQ(tally(p0), (Tally{.duplicates = 1, .parked = 2}));
}

TEST_P(Parking, ParkingSurvivesTheProcess) {
  fail({"a1"});
  send(p0, "a1", "a");
  send(p0, "a2", "a");
  run_until_idle({p0});
  fail({});
  {
    const auto tx = database().begin();
    tx->execute(sql("UPDATE {kinbox}.parked_events SET due_at = {now} WHERE event_id = 'a1'"));
    tx->commit();
  }
  run_until_idle({p0});
  EXPECT_THAT(effects(), ElementsAre("a1", "a2"));
}

TEST_P(Parking, ACommitWhoseAnswerIsLostDoublesNothing) {
  fail({"a1"});
  for (const auto* const id : {"a1", "a2", "a3"}) send(p0, id, "a");
  run_until_idle({p0});
  fail({});
  make_due();
  std::atomic<int> commits = 0;
  run_until(
      {p0}, [&] { return effects().size() == 3; },
      [&](FaultPoint point) {
        if (point == FaultPoint::kAfterCommit && ++commits % 2 == 0)
          throw InfrastructureError("the reply is lost");
      });
  EXPECT_THAT(effects(), ElementsAre("a1", "a2", "a3"));
  EXPECT_EQ(tally(p0), (Tally{.applied = 3}));
}

TEST_P(Parking, ALostAnswerIsNoticedBeforeAnotherEventOfTheKeyComes) {
  fail({"a1"});
  send(p0, "a1", "a");
  run_until_idle({p0});
  fail({});
  make_due();
  std::atomic<bool> lost = false;
  run_until(
      {p0},
      [&] {
        if (lost && position(p0) == 1) send(p0, "a2", "a");
        return effects().size() == 2;
      },
      [&](FaultPoint point) {
        if (point == FaultPoint::kAfterCommit && tried("a1") == 2 && !lost.exchange(true))
          throw InfrastructureError("the reply is lost");
      });
  EXPECT_THAT(effects(), ElementsAre("a1", "a2"));
  EXPECT_THAT(parked(), IsEmpty());
}

TEST_P(Parking, AQueueThatLostItsFirstEventGoesOn) {
  fail({"a1"});
  send(p0, "a1", "a");
  send(p0, "a2", "a");
  run_until_idle({p0});
  change_from_outside(p0, "DELETE FROM {kinbox}.parked_events WHERE event_id = 'a1'");
  run_until_idle({p0});
  EXPECT_THAT(effects(), ElementsAre("a2"));
}

TEST_P(Parking, TooManyOfAKeyHaltThePartition) {
  options.dispatch.on_error.park.max_per_key = 2;
  fail({"a1"});
  for (const auto* const id : {"a1", "b1", "a2", "a3", "b2"}) send(p0, id, std::string(1, id[0]));
  const auto result = run_until_idle({p0});
  ASSERT_THAT(result.halted, SizeIs(1));
  EXPECT_THAT(result.halted[0].second, HasSubstr("parked_full: 2 events of the key"));
  EXPECT_EQ(position(p0), 3);
  EXPECT_THAT(parked(), ElementsAre("a1", "a2"));
  EXPECT_THAT(effects(), ElementsAre("b1"));
}

TEST_P(Parking, TooManyOfAPartitionAreDeadLettersWhereThatIsSaid) {
  options.dispatch.on_error.park.max_parked = 2;
  options.dispatch.on_error.park.when_full = WhenFull::kDeadLetter;
  fail({"a1", "b1", "c1"});
  for (const auto* const id : {"a1", "b1", "c1", "b2", "d1"}) send(p0, id, std::string(1, id[0]));
  run_until_idle({p0});
  EXPECT_THAT(parked(), ElementsAre("a1", "b1"));
  EXPECT_EQ(verdict("c1"), "dead");
  EXPECT_EQ(verdict("b2"), "dead");
  EXPECT_THAT(dead_reasons(), Not(IsEmpty()));
  EXPECT_THAT(effects(), ElementsAre("d1"));
}

TEST_P(Parking, AnOperatorsChangeIsSeenByTheRunningOwner) {
  fail({"a1"});
  send(p0, "a1", "a");
  bool changed = false;
  run_until({p0}, [&] {
    if (!changed && parked().size() == 1) {
      fail({});
      make_due();
      changed = true;
    }
    return effects().size() == 1;
  });
}

}  // namespace
}  // namespace kinbox::testing

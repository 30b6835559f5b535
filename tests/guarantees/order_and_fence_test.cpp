// "Ordered" and "Fenced" of the promise, with the scripted log.
#include <gmock/gmock.h>

#include <atomic>
#include <latch>

#include "support/pipeline.hpp"

namespace kinbox::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

class OrderPromise : public Pipeline {};
KINBOX_FOR_ALL_DATABASES(OrderPromise);

TEST_P(OrderPromise, EffectsOfAKeyFollowTheOffsetsWhileAnEarlierOneFails) {
  int failures = 2;
  handle = [&](const Event& event, Transaction& tx) {
    if (event.id() == "e-2" && failures-- > 0) throw std::runtime_error("not yet");
    insert_effect(event, tx);
  };
  for (const auto* id : {"e-1", "e-2", "e-3", "e-4"}) send(p0, id, "a");
  run_until_idle({p0});
  EXPECT_THAT(effects_of_key("a"), ElementsAre("e-1", "e-2", "e-3", "e-4"));
}

TEST_P(OrderPromise, OtherPartitionsFlowWhileOneWaits) {
  std::atomic<bool> others_done = false;
  handle = [&](const Event& event, Transaction& tx) {
    if (event.id() == "stuck" && !others_done)
      throw RetryableError("wait", std::chrono::milliseconds{1});
    insert_effect(event, tx);
    if (event.id() == "q-5") others_done = true;
  };
  options.dispatch.on_error.retry.max_attempts = 1'000'000;
  options.budget.max_records = 2;
  send(p0, "stuck");
  send(p0, "after");
  for (int i = 1; i <= 5; ++i) send(p1, "q-" + std::to_string(i), "q");
  run_until_idle({p0, p1});
  EXPECT_THAT(effects_of_key("q"), ElementsAre("q-1", "q-2", "q-3", "q-4", "q-5"));
  EXPECT_THAT(effects_of_key("k"), ElementsAre("stuck", "after"));
}

TEST_P(OrderPromise, AWaitingPartitionIsPausedAndResumed) {
  bool paused_seen = false;
  int failures = 1;
  send(p0, "e-1");
  auto m = member({p0});
  handle = [&](const Event& event, Transaction& tx) {
    if (failures-- > 0) throw std::runtime_error("not yet");
    paused_seen = m.source->is_paused(p0);
    insert_effect(event, tx);
  };
  m.worker->run({.records = 1}, std::chrono::seconds{5});
  EXPECT_TRUE(paused_seen);
}

class FencePromise : public Pipeline {
 protected:
  /// Runs `meanwhile` when the worker reaches `step` for the first time.
  void once_at(Step step, std::function<void()> meanwhile) {
    observer.at_step([step, meanwhile, done = std::make_shared<bool>(false)](Step reached) {
      if (reached != step || *done) return;
      *done = true;
      meanwhile();
    });
  }
};
KINBOX_FOR_ALL_DATABASES(FencePromise);

TEST_P(FencePromise, AZombieThatHoldsRecordsCannotCommitThem) {
  for (const auto* id : {"e-1", "e-2"}) send(p0, id);
  auto zombie = member({p0});
  std::vector<std::string> seen_by_heir;
  once_at(Step::kFetched, [&] {
    // The zombie has polled and sleeps. Its heir takes the partition and does the work.
    RecordingObserver quiet;
    auto source = log.member();
    source->assign({p0});
    Worker heir(spec(), options, std::move(source), connect(), quiet);
    heir.run({.idle = true}, std::chrono::seconds{5});
    seen_by_heir = effects();
    zombie.source->revoke({p0}, Revocation::kLost);
    zombie.worker->stop();
  });
  zombie.worker->run({}, std::chrono::seconds{5});
  EXPECT_THAT(seen_by_heir, ElementsAre("e-1", "e-2"));
  EXPECT_THAT(effects(), ElementsAre("e-1", "e-2"));
  EXPECT_EQ(observer.notices<notice::ClaimMissed>().size(), 1U);
  EXPECT_EQ(tally(p0), (Tally{.applied = 2}));
}

TEST_P(FencePromise, AnOwnerWithTheSameEpochIsAnotherOwner) {
  send(p0, "e-1");
  once_at(Step::kFetched, [&] {
    // As after a restore from backup: the epoch repeats, the owner does not.
    script(sql("UPDATE {kinbox}.consumer_progress SET owner = 'somebody else'"));
  });
  run_until_idle({p0});
  EXPECT_EQ(observer.notices<notice::ClaimMissed>().size(), 1U);
  EXPECT_THAT(effects(), ElementsAre("e-1"));
}

TEST_P(FencePromise, TheOldOwnersEpochIsNotEnough) {
  send(p0, "e-1");
  once_at(Step::kFetched,
          [&] { script(sql("UPDATE {kinbox}.consumer_progress SET epoch = epoch + 1")); });
  run_until_idle({p0});
  EXPECT_EQ(observer.notices<notice::ClaimMissed>().size(), 1U);
  EXPECT_THAT(effects(), ElementsAre("e-1"));
}

TEST_P(FencePromise, AMovedPositionIsReadAgain) {
  for (const auto* id : {"e-1", "e-2", "e-3"}) send(p0, id);
  once_at(Step::kFetched, [&] {
    script(sql("UPDATE {kinbox}.consumer_progress SET next_offset = 2, skipped = 2"));
  });
  run_until_idle({p0});
  EXPECT_THAT(effects(), ElementsAre("e-3"));
}

TEST_P(FencePromise, ABumpedControlVersionIsReadAgain) {
  send(p0, "e-1");
  once_at(Step::kFetched, [&] {
    script(sql("UPDATE {kinbox}.consumer_progress SET control_version = control_version + 1"));
  });
  run_until_idle({p0});
  EXPECT_EQ(observer.notices<notice::ClaimMissed>().size(), 1U);
  EXPECT_THAT(effects(), ElementsAre("e-1"));
}

TEST_P(FencePromise, AMissedPartitionDoesNotHoldUpTheOthersOfItsBatch) {
  send(p0, "mine");
  send(p1, "taken");
  once_at(Step::kFetched, [&] {
    script(sql("UPDATE {kinbox}.consumer_progress SET owner = 'x' WHERE partition = 1"));
  });
  run_until_idle({p0, p1});
  EXPECT_THAT(effects(), ElementsAre("mine", "taken"));
}

TEST_P(FencePromise, RecordsOfARevokedPartitionAreDropped) {
  // e-1 waits for its retry when the partition is taken away.
  handle = [](const Event&, Transaction&) { throw std::runtime_error("not yet"); };
  options.dispatch.on_error.retry = {.max_attempts = 100,
                                     .first_delay = std::chrono::milliseconds{1},
                                     .max_delay = std::chrono::milliseconds{1}};
  send(p0, "e-1");
  auto m = member({p0});
  int attempts = 0;
  handle = [&](const Event&, Transaction&) {
    if (++attempts == 2) {
      m.source->revoke({p0});
      m.worker->stop();
    }
    throw std::runtime_error("not yet");
  };
  m.worker->run({}, std::chrono::seconds{5});
  EXPECT_EQ(attempts, 2);
  EXPECT_THAT(effects(), IsEmpty());
  EXPECT_EQ(position(p0), 0);
}

TEST_P(FencePromise, ACleanStopIsMarkedAndACrashIsNot) {
  run_until_idle({p0});
  const auto clean = sql("SELECT count(*) FROM {kinbox}.consumer_progress WHERE clean_stop = TRUE");
  EXPECT_EQ(number(clean), 1);
  auto m = member({p0});
  std::int64_t marked_while_running = -1;
  send(p0, "e-1");
  once_at(Step::kFetched, [&] { marked_while_running = number(clean); });
  m.worker->run({.idle = true}, std::chrono::seconds{5});
  EXPECT_EQ(marked_while_running, 0);
}

}  // namespace
}  // namespace kinbox::testing

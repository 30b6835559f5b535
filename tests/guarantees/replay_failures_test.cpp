// What becomes of a replay, and of its events, when something fails in it.
#include <gmock/gmock.h>

#include "support/replay_scene.hpp"

namespace kinbox::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::ThrowsMessage;

class FailingReplay : public ReplayScene {};
KINBOX_FOR_ALL_DATABASES(FailingReplay);

TEST_P(FailingReplay, WhatFailsBecomesADeadLetterThatCanBeTriedAgain) {
  process({"a", "b", "c"});
  bool broken = true;
  handle = [&](const Event& event, Transaction& tx) {
    if (broken && event.id() == "b") throw std::runtime_error("a new bug");
    insert_effect(event, tx);
  };
  const auto done = replay(reprocess());
  EXPECT_EQ(done.dead, 1);
  EXPECT_THAT(effects(), ElementsAre("a", "c"));
  EXPECT_EQ(verdict("b"), "dead");
  EXPECT_EQ(brought(), 0);
  EXPECT_EQ(recounted().finding, cli::Finding::kOk) << "it was applied, as far as it was counted";
  broken = false;
  change_from_outside(p0, "UPDATE {kinbox}.letter_states SET state = 'requested'");
  run_until_idle({p0});
  EXPECT_THAT(effects(), ElementsAre("a", "c", "b"));
  EXPECT_EQ(verdict("b"), "applied");
  EXPECT_EQ(tally(p0), (Tally{.applied = 3}));
  EXPECT_EQ(recounted().finding, cli::Finding::kOk);
}

TEST_P(FailingReplay, ALetterOfThatRecordIsOpenedAgain) {
  bool broken = true;
  handle = [&](const Event& event, Transaction& tx) {
    if (broken && event.id() == "b") throw PermanentError("a bug");
    insert_effect(event, tx);
  };
  process({"a", "b"});
  broken = false;
  change_from_outside(p0, "UPDATE {kinbox}.letter_states SET state = 'requested'");
  run_until_idle({p0});
  EXPECT_EQ(tally(p0), (Tally{.applied = 2}));
  broken = true;
  replay(reprocess());
  EXPECT_THAT(texts("SELECT state FROM {kinbox}.dead_letters WHERE changed_at IS NOT NULL"),
              ElementsAre("open"));
  EXPECT_EQ(recounted().finding, cli::Finding::kOk);
  broken = false;
  change_from_outside(p0, "UPDATE {kinbox}.letter_states SET state = 'requested'");
  run_until_idle({p0});
  EXPECT_THAT(effects(), ElementsAre("a", "b"));
  EXPECT_EQ(tally(p0), (Tally{.applied = 2}));
}

TEST_P(FailingReplay, ALetterThatIsStillOpenGoesOnCounting) {
  handle = [](const Event&, Transaction&) { throw PermanentError("a bug"); };
  process({"b"});
  execute("DELETE FROM {kinbox}.processed_events");
  EXPECT_EQ(replay({}).dead, 1);
  EXPECT_THAT(texts("SELECT state FROM {kinbox}.dead_letters"), ElementsAre("open"));
  EXPECT_EQ(tally(p0), (Tally{.dead = 1}));
  EXPECT_EQ(recounted().finding, cli::Finding::kOk);
}

TEST_P(FailingReplay, APreparationThatFailsIsUndoneAndStopsIt) {
  process({"a"});
  const auto id = record(reprocess());
  prepare_again = [](const ReplayRange&, Transaction& tx) {
    tx.execute(tx.dialect().render("DELETE FROM {kinbox}.effects"));
    throw std::runtime_error("not like this");
  };
  EXPECT_THAT([&] { replayer()->take(id); }, ThrowsMessage<Error>(HasSubstr("not like this")));
  EXPECT_THAT(effects(), ElementsAre("a"));
  EXPECT_EQ(state(id), "paused");
}

TEST_P(FailingReplay, AHandlerThatEndsThePreparationIsRefused) {
  process({"a"});
  const auto id = record(reprocess());
  prepare_again = [](const ReplayRange&, Transaction& tx) { tx.execute("COMMIT"); };
  EXPECT_THROW(replayer()->take(id), Error);
  EXPECT_EQ(state(id), "paused");
}

TEST_P(FailingReplay, HaltAndASpentBudgetPauseIt) {
  process({"a", "b"});
  handle = [](const Event&, Transaction&) { throw std::runtime_error("everything fails"); };
  prepare_again = [](const ReplayRange&, Transaction&) {};
  const auto stopped = [&](std::int64_t id) {
    const auto runs = replayer();
    runs->take(id);
    EXPECT_EQ(runs->apply(records()), Replayer::Outcome::kStopped);
    EXPECT_EQ(state(id), "paused");
    const auto tx = database().begin();
    ReplayRows(database().dialect()).end(*tx, id, "cancelled");
    tx->commit();
    return runs->why();
  };
  options.dispatch.on_error.then = Then::kHalt;
  EXPECT_THAT(stopped(record(reprocess())), HasSubstr("on_error says halt"));
  options.dispatch.on_error.then = Then::kDeadLetter;
  options.dispatch.dlq_budget = {.capacity = 1, .per_success = 0};
  EXPECT_THAT(stopped(record(reprocess())), HasSubstr("dlq_budget"));
  EXPECT_THAT(dead_reasons(), ElementsAre("retries_exhausted"));
  EXPECT_THAT(effects(), ElementsAre("a", "b"));
}

}  // namespace
}  // namespace kinbox::testing

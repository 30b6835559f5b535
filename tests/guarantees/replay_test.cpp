// Pieces of the past that run again: what has no verdict, or everything, once per generation.
#include <gmock/gmock.h>

#include "kinbox/email_outbox.hpp"
#include "kinbox/outbox.hpp"
#include "support/replay_scene.hpp"

namespace kinbox::testing {
namespace {

using namespace std::chrono_literals;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::ThrowsMessage;

class Replay : public ReplayScene {};
KINBOX_FOR_ALL_DATABASES(Replay);

TEST_P(Replay, FillRunsWhatHasNoVerdictAndNothingElse) {
  handle = [this](const Event& event, Transaction& tx) {
    if (event.id() == "d") throw PermanentError("a bug");
    insert_effect(event, tx);
  };
  process({"a", "b", "c", "d"});
  forget("b");
  const auto done = replay({});
  EXPECT_THAT(effects(), ElementsAre("a", "c", "b"));
  EXPECT_EQ(verdict("b"), "applied");
  EXPECT_EQ(verdict("d"), "dead");
  EXPECT_EQ(done.applied, 1);
  EXPECT_EQ(done.known, 2);
  EXPECT_EQ(done.left_alone, 1);
  EXPECT_EQ(position(p0), 4);
  EXPECT_EQ(tally(p0), (Tally{.applied = 3, .dead = 1}));
  EXPECT_EQ(brought(), 1);
  EXPECT_EQ(recounted().finding, cli::Finding::kOk);
}

TEST_P(Replay, WhatItBringsIsKnownFromItsFirstCommitOn) {
  process({"a", "b"});
  forget("a");
  execute("UPDATE {kinbox}.consumer_progress SET applied = 1, gaps = 1");
  const auto id = record({});
  const auto runs = replayer();
  runs->take(id);
  runs->apply(records());
  EXPECT_EQ(brought(), 0);
  EXPECT_EQ(recounted().brought, 1);
  runs->finish();
  EXPECT_EQ(brought(), 1);
  EXPECT_EQ(recounted().brought, 1);
  EXPECT_EQ(recounted().finding, cli::Finding::kUnknown);
}

TEST_P(Replay, WhatMayHaveBeenPrunedIsLeftAloneUnlessItIsCalledNew) {
  process({"a", "b"});
  forget("a");
  forget("b");
  execute("UPDATE {kinbox}.consumer_progress SET dedup_floor = 1");
  EXPECT_EQ(replay({}).left_alone, 1);
  EXPECT_THAT(effects(), ElementsAre("b"));
  replay({.treat_as_new = true});
  EXPECT_THAT(effects(), ElementsAre("b", "a"));
}

TEST_P(Replay, WhatHasItsVerdictIsPassedInFewTransactionsAndWhatRunsIsBounded) {
  options.dispatch.max_batch = 2;
  process({"a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k", "l"});
  for (const auto* id : {"i", "j", "k"}) forget(id);
  const auto id = record({});
  std::vector<int> runs_in;
  int runs = 0;
  handle = [&](const Event& event, Transaction& tx) {
    ++runs;
    insert_effect(event, tx);
  };
  const auto replays = replayer([&](FaultPoint point) {
    if (point == FaultPoint::kBeforeCommit) runs_in.push_back(std::exchange(runs, 0));
  });
  replays->take(id);
  runs_in.clear();
  const auto all = records();
  EXPECT_EQ(replays->apply(all), Replayer::Outcome::kDone) << replays->why();
  EXPECT_THAT(runs_in, ElementsAre(0, 2, 1));
  EXPECT_EQ(replays->progress()[0].known, 9);
  EXPECT_EQ(replays->progress()[0].applied, 3);
}

TEST_P(Replay, ReprocessRunsEachEventOncePerGeneration) {
  // The second "a" comes with another batch than the first.
  options.dispatch.max_batch = 2;
  process({"a", "b", "a", "c"});
  const auto first = record(reprocess());
  EXPECT_EQ(finish(first).applied, 3);
  EXPECT_THAT(effects(), ElementsAre("a", "b", "c"));
  ASSERT_EQ(ranges_.size(), 1U);
  EXPECT_EQ(ranges_[0].generation, first);
  EXPECT_THAT(ranges_[0].slices, ElementsAre(ReplaySlice{p0, 0, 4}));
  EXPECT_EQ(position(p0), 4);
  EXPECT_EQ(tally(p0), (Tally{.applied = 3, .duplicates = 1}));
  EXPECT_EQ(state(first), "done");

  prepare_again = [](const ReplayRange&, Transaction&) {};
  const auto second = record(reprocess());
  EXPECT_GT(second, first);
  finish(second);
  EXPECT_THAT(effects(), ElementsAre("a", "b", "c", "a", "b", "c"));
}

TEST_P(Replay, WhoeverTakesItUpGoesOnBehindTheLastCommit) {
  process({"a", "b", "c", "d"});
  const auto id = record(reprocess());
  const auto all = records();
  const auto first = replayer();
  first->take(id);
  EXPECT_EQ(first->apply(std::span(all).first(2)), Replayer::Outcome::kDone);
  const auto second = replayer();
  EXPECT_EQ(second->take(id).at(0).next, 2);
  EXPECT_EQ(second->apply(all), Replayer::Outcome::kDone);
  EXPECT_THAT(effects(), ElementsAre("a", "b", "c", "d"));
  EXPECT_EQ(ranges_.size(), 1U) << "prepared once";

  EXPECT_EQ(first->apply(std::span(all).subspan(2)), Replayer::Outcome::kStopped);
  EXPECT_THAT(first->why(), HasSubstr("another process has taken it over"));
  EXPECT_THAT(effects(), ElementsAre("a", "b", "c", "d"));
}

TEST_P(Replay, WhoeverTakesItUpStopsWhoHadIt) {
  process({"a", "b"});
  const auto id = record(reprocess());
  const auto first = replayer();
  first->take(id);
  const auto second = replayer();
  second->take(id);
  // Nothing was committed since: the position alone does not tell them apart.
  EXPECT_EQ(first->apply(records()), Replayer::Outcome::kStopped);
  EXPECT_THAT(effects(), IsEmpty());
  EXPECT_EQ(second->apply(records()), Replayer::Outcome::kDone) << second->why();
  EXPECT_THAT(effects(), ElementsAre("a", "b"));
}

TEST_P(Replay, ACommitWhoseAnswerWasLostIsNotRepeated) {
  process({"a", "b", "c", "d"});
  const auto id = record(reprocess());
  bool armed = false;
  auto moment = FaultPoint::kBeforeCommit;
  const auto runs = replayer([&](FaultPoint point) {
    if (point == moment && std::exchange(armed, false))
      throw InfrastructureError("the connection is gone");
  });
  runs->take(id);
  const auto all = records();
  const auto strike = [&](FaultPoint point, std::span<const Record> some) {
    moment = point;
    armed = true;
    EXPECT_THROW(runs->apply(some), InfrastructureError);
    EXPECT_EQ(runs->apply(some), Replayer::Outcome::kDone) << runs->why();
  };
  strike(FaultPoint::kBeforeCommit, std::span(all).first(2));
  strike(FaultPoint::kAfterCommit, std::span(all).subspan(2));
  EXPECT_THAT(effects(), ElementsAre("a", "b", "c", "d"));
  EXPECT_EQ(runs->progress()[0].applied, 4);
}

TEST_P(Replay, AnEndWhoseAnswerWasLostIsAnEnd) {
  process({"a"});
  const auto id = record({});
  bool loses = false;
  const auto runs = replayer([&](FaultPoint point) {
    if (loses && point == FaultPoint::kAfterCommit && std::exchange(loses, false))
      throw InfrastructureError("the answer is lost");
  });
  runs->take(id);
  loses = true;
  EXPECT_THROW(runs->finish(), InfrastructureError);
  EXPECT_EQ(state(id), "done");
  EXPECT_EQ(runs->finish(), Replayer::Outcome::kDone) << runs->why();
}

TEST_P(Replay, WhatIsEmittedAgainStaysInside) {
  const Outbox outbox(database().dialect(), {.source = "/shop"});
  const EmailOutbox mail(database().dialect(), "example.org");
  handle = [&](const Event& event, Transaction& tx) {
    insert_effect(event, tx);
    outbox.emit(tx, {.topic = "out", .key = "k", .type = "t", .payload = "{}"});
    mail.enqueue(tx,
                 {.type = "hello", .order_id = event.id(), .recipient = "a@b.c", .payload = "{}"});
  };
  process({"a", "b"});
  forget("b");
  const auto messages = [&] {
    return texts("SELECT count(*) FROM {kinbox}.outbox WHERE topic = 'out'").at(0);
  };
  const auto mails = [&] {
    return texts("SELECT revision FROM {kinbox}.email_outbox ORDER BY order_id, revision");
  };
  EXPECT_EQ(messages(), "2");
  const auto done = replay(reprocess());
  EXPECT_EQ(done.silenced, 2) << "a's; b ran for the first time";
  EXPECT_EQ(messages(), "3");
  EXPECT_THAT(mails(), ElementsAre("1", "1"));

  replay({.mode = ReplayMode::kReprocess, .emit = true, .mail_revision = 2});
  EXPECT_EQ(texts("SELECT count(DISTINCT message_id) FROM {kinbox}.outbox").at(0), "4");
  EXPECT_EQ(messages(), "5");
  EXPECT_THAT(mails(), ElementsAre("1", "2", "1", "2"));
}

TEST_P(Replay, DeadEventsJoinOnlyIfTheyAreIncluded) {
  bool broken = true;
  handle = [&](const Event& event, Transaction& tx) {
    if (broken && event.id() == "b") throw PermanentError("a bug");
    insert_effect(event, tx);
  };
  process({"a", "b", "c"});
  broken = false;
  EXPECT_EQ(replay(reprocess()).left_alone, 1);
  EXPECT_THAT(effects(), ElementsAre("a", "c"));
  EXPECT_EQ(replay({.mode = ReplayMode::kReprocess, .include_dead = true}).applied, 3);
  EXPECT_THAT(effects(), ElementsAre("a", "b", "c"));
  EXPECT_THAT(texts("SELECT state FROM {kinbox}.dead_letters"), ElementsAre("resolved"));
  EXPECT_EQ(tally(p0), (Tally{.applied = 3}));
  EXPECT_EQ(recounted().finding, cli::Finding::kOk);
}

TEST_P(Replay, WhatRunsForTheFirstTimeInAReprocessDoesNotRunAtItsNextCopy) {
  options.dispatch.max_batch = 1;
  bool broken = true;
  handle = [&](const Event& event, Transaction& tx) {
    if (broken && event.id() == "b") throw PermanentError("a bug");
    insert_effect(event, tx);
  };
  process({"a", "b", "a", "b"});
  forget("a");
  broken = false;
  const auto done = replay({.mode = ReplayMode::kReprocess, .include_dead = true});
  EXPECT_THAT(effects(), ElementsAre("a", "b"));
  EXPECT_EQ(done.applied, 2);
  EXPECT_EQ(done.known, 2);
}

TEST_P(Replay, ParkedKeysAreLeftAlone) {
  options.dispatch.on_error.then = Then::kPark;
  options.dispatch.on_error.park.delays = {1h};
  bool broken = true;
  handle = [&](const Event& event, Transaction& tx) {
    if (broken && event.id() == "k1") throw std::runtime_error("a bug");
    insert_effect(event, tx);
  };
  process({"k0", "k1", "k2", "other"});
  forget("k0");
  broken = false;
  EXPECT_EQ(replay({}).left_alone, 3);
  EXPECT_THAT(effects(), ElementsAre("other"));
  EXPECT_EQ(tally(p0), (Tally{.applied = 2, .parked = 2}));
}

TEST_P(Replay, OnlyWhatTheFilterMeansRuns) {
  process({"a", "b", "c"});
  for (const auto* id : {"a", "b", "c"}) forget(id);
  const auto applied = [&](auto choose) {
    ReplayChoices choices;
    choose(choices.filter);
    return replay(choices).applied;
  };
  EXPECT_EQ(applied([](auto& filter) { filter.event_ids = {"b"}; }), 1);
  EXPECT_EQ(applied([](auto& filter) { filter.keys = {"c"}; }), 1);
  EXPECT_EQ(applied([](auto& filter) { filter.event_types = {"Changed"}; }), 0);
  EXPECT_EQ(applied([](auto& filter) { filter.handlers = {"nobody"}; }), 0);
  EXPECT_THAT(effects(), ElementsAre("b", "c"));
}

TEST_P(Replay, OneIsActiveAtATimeAndItNeverPassesTheLivePosition) {
  process({"a"});
  const auto id = record({});
  EXPECT_THAT([&] { record({}); },
              ThrowsMessage<RefusedError>(HasSubstr("replay " + std::to_string(id))));
  finish(id);
  EXPECT_THAT([&] { record({}, plan(0, 2)); },
              ThrowsMessage<RefusedError>(HasSubstr("reaches to offset 2")));
}

TEST_P(Replay, APausedOneStopsAndGoesOn) {
  process({"a", "b"});
  const auto id = record(reprocess());
  const auto runs = replayer();
  runs->take(id);
  const ReplayRows rows(database().dialect());
  const auto in_transaction = [&](auto call) {
    const auto tx = database().begin();
    EXPECT_TRUE(call(*tx));
    tx->commit();
  };
  in_transaction([&](auto& tx) { return rows.pause(tx, id, "lunch"); });
  EXPECT_EQ(runs->apply(records()), Replayer::Outcome::kStopped);
  EXPECT_THAT(runs->why(), HasSubstr("paused: lunch"));
  EXPECT_THAT([&] { replayer()->take(id); },
              ThrowsMessage<RefusedError>(AllOf(HasSubstr("paused"), HasSubstr("lunch"))));
  EXPECT_THAT(effects(), IsEmpty()) << "prepared, and nothing more";
  in_transaction([&](auto& tx) { return rows.resume(tx, id); });
  finish(id);
  EXPECT_THAT(effects(), ElementsAre("a", "b"));
}

}  // namespace
}  // namespace kinbox::testing

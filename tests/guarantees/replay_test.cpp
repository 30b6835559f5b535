// Pieces of the past that run again: what has no verdict, or everything, once per generation.
#include "kinbox/replay.hpp"

#include <gmock/gmock.h>

#include <atomic>

#include "cli/inbox/recount.hpp"
#include "core/own_statements.hpp"
#include "core/replay/replay_plan.hpp"
#include "core/replay/replay_rows.hpp"
#include "core/replay/replay_survey.hpp"
#include "core/replay/replay_trial.hpp"
#include "kinbox/email_outbox.hpp"
#include "kinbox/errors.hpp"
#include "kinbox/outbox.hpp"
#include "kinbox/redriver.hpp"
#include "support/pipeline.hpp"

namespace kinbox::testing {
namespace {

using namespace std::chrono_literals;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::ThrowsMessage;

/// Where a member begins that reads a piece of the log.
class Reading : public AssignmentListener {
 public:
  std::vector<std::optional<Offset>> on_assigned(
      std::span<const TopicPartition> partitions) override {
    return std::vector<std::optional<Offset>>(partitions.size(), 0);
  }
  void on_revoked(std::span<const TopicPartition>, Revocation) override {}
};

class RepeatableHandler : public Handler {
 public:
  struct Calls {
    std::function<void(const Event&, Transaction&)> handle;
    std::function<void(const ReplayRange&, Transaction&)> prepare;
  };
  explicit RepeatableHandler(const Calls& calls) : calls_(calls) {}
  void handle(const Event& event, Transaction& tx) override { calls_.handle(event, tx); }
  void prepare_reprocess(const ReplayRange& range, Transaction& tx) override {
    calls_.prepare(range, tx);
  }

 private:
  const Calls& calls_;
};

class Replay : public Pipeline {
 protected:
  void prepare() override {
    Pipeline::prepare();
    options.dispatch.on_error.retry.max_attempts = 1;
    calls_.handle = [this](const Event& event, Transaction& tx) { handle(event, tx); };
    calls_.prepare = [this](const ReplayRange& range, Transaction& tx) {
      ranges_.push_back(range);
      prepare_again(range, tx);
    };
  }

  void process(const std::vector<std::string>& ids) {
    for (const auto& id : ids) send(p0, id, id.substr(0, 1));
    run_until_idle({p0});
  }
  void execute(std::string_view statement) {
    const auto tx = database().begin();
    tx->execute(sql(statement));
    tx->commit();
  }
  /// As if the event had never come.
  void forget(const std::string& id) {
    execute("DELETE FROM {kinbox}.processed_events WHERE event_id = '" + id + "'");
    execute("DELETE FROM {kinbox}.effects WHERE event_id = '" + id + "'");
  }

  ConsumerSpec replayed_spec() {
    auto consumer = spec();
    auto& handler = consumer.handlers.front().spec;
    handler.make = [this](const HandlerContext&) {
      return std::make_unique<RepeatableHandler>(calls_);
    };
    handler.traits.reprocessable = reprocessable_;
    return consumer;
  }

  ReplayPlan plan(Offset begin = 0, std::optional<Offset> end = std::nullopt) {
    ReplayPlan made;
    made.consumer = "orders";
    made.group = "g";
    made.to_live_position = !end;
    ReplayPlan::Partition partition;
    partition.slice = {p0, begin, end.value_or(position(p0))};
    partition.topic_id = texts("SELECT topic_id FROM {kinbox}.consumer_progress").at(0);
    made.partitions.push_back(partition);
    return made;
  }
  std::int64_t record(const ReplayChoices& choices, const ReplayPlan& planned) {
    NewReplay fresh{.consumer = "orders",
                    .choices = choices,
                    .plan_hash = hash_of(planned),
                    .plan = to_text(planned, choices),
                    .who = "somebody",
                    .audit_id = 0,
                    .pieces = {}};
    for (const auto& partition : planned.partitions)
      fresh.pieces.push_back({partition.slice, partition.topic_id, planned.to_live_position});
    std::int64_t id = 0;
    const auto tx = database().begin();
    id = ReplayRows(database().dialect()).record(*tx, fresh);
    tx->commit();
    return id;
  }
  std::int64_t record(const ReplayChoices& choices) { return record(choices, plan()); }

  std::vector<Record> records(std::size_t portion = 100) {
    const auto source = log.member();
    Reading reading;
    source->subscribe(reading);
    source->assign({p0});
    std::vector<Record> all;
    do {
      auto polled = source->poll({.max_records = portion, .max_wait = 0ms});
      std::move(polled.records.begin(), polled.records.end(), std::back_inserter(all));
    } while (!source->at_end(p0));
    return all;
  }

  std::unique_ptr<Replayer> replayer(FaultPlan faults = {}) {
    auto connection = connect();
    if (faults) connection = with_faults(std::move(connection), std::move(faults));
    return std::make_unique<Replayer>(Replayer::Parts{.consumer = replayed_spec(),
                                                      .options = options.dispatch,
                                                      .database = std::move(connection),
                                                      .observer = observer,
                                                      .wait = [](std::chrono::milliseconds) {}});
  }
  /// Takes the replay up and runs it to its end.
  Replayer::Progress finish(std::int64_t id) {
    const auto runs = replayer();
    runs->take(id);
    const auto all = records();
    EXPECT_EQ(runs->apply(all), Replayer::Outcome::kDone) << runs->why();
    EXPECT_EQ(runs->finish(), Replayer::Outcome::kDone) << runs->why();
    return runs->progress().at(0);
  }
  Replayer::Progress replay(const ReplayChoices& choices) { return finish(record(choices)); }
  static ReplayChoices reprocess() { return {.mode = ReplayMode::kReprocess}; }

  /// What `inbox verify` says of the partition.
  cli::Recount recounted() { return cli::recount(database()).at(0); }
  std::int64_t brought() {
    return number("SELECT brought FROM {kinbox}.consumer_progress WHERE partition = 0");
  }

  std::string state(std::int64_t id) {
    return texts("SELECT state FROM {kinbox}.replays WHERE id = " + std::to_string(id)).at(0);
  }

  bool reprocessable_ = true;
  std::function<void(const ReplayRange&, Transaction&)> prepare_again = [](const ReplayRange&,
                                                                           Transaction& tx) {
    tx.execute(tx.dialect().render("DELETE FROM {kinbox}.effects"));
  };
  std::vector<ReplayRange> ranges_;
  RepeatableHandler::Calls calls_;
};
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

TEST_P(Replay, LivePartitionsWaitUntilItIsDone) {
  process({"a", "b"});
  const auto id = record(reprocess());
  send(p0, "late", "a");
  send(p1, "beside", "b");
  bool waited = false;
  run_until({p0, p1}, [&] {
    if (!waited && effects().size() >= 3) {
      waited = true;
      EXPECT_THAT(effects(), ElementsAre("a", "b", "beside"));
      EXPECT_EQ(observer.notices<notice::Held>().size(), 1U);
      finish(id);
      EXPECT_EQ(texts("SELECT count(*) FROM {kinbox}.consumer_progress WHERE held_by IS NOT NULL"),
                std::vector<std::string>{"0"});
    }
    return waited && effects().size() == 3;
  });
  EXPECT_THAT(effects(), ElementsAre("a", "b", "late")) << "it began with an empty table";
}

TEST_P(Replay, ItReachesToWhereTheLivePositionIsWhenItHolds) {
  process({"a", "b"});
  const auto planned = plan();
  process({"c"});
  const auto done = finish(record(reprocess(), planned));
  EXPECT_EQ(done.end, 3);
  EXPECT_THAT(effects(), ElementsAre("a", "b", "c"));
}

TEST_P(Replay, LettersOfAHeldPartitionWaitToo) {
  handle = [](const Event&, Transaction&) { throw PermanentError("a bug"); };
  process({"a"});
  const auto id = record(reprocess());
  change_from_outside(p0, "UPDATE {kinbox}.dead_letters SET state = 'requested'");
  handle = [this](const Event& event, Transaction& tx) { insert_effect(event, tx); };
  Redriver redriver(replayed_spec(), options.dispatch, connect(), observer);
  EXPECT_EQ(redriver.run(p0), Redriver::Outcome::kHeld);
  finish(id);
  EXPECT_EQ(redriver.run(p0), Redriver::Outcome::kDone);
  EXPECT_THAT(effects(), ElementsAre("a"));
}

TEST_P(Replay, BesideLiveNothingWaits) {
  process({"a", "b"});
  const auto id = record({.mode = ReplayMode::kReprocess, .beside_live = true});
  process({"late"});
  EXPECT_THAT(effects(), ElementsAre("a", "b", "late"));
  prepare_again = [](const ReplayRange&, Transaction&) {};
  finish(id);
  // The end was fixed when it was recorded.
  EXPECT_THAT(effects(), ElementsAre("a", "b", "late", "a", "b"));
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

TEST_P(Replay, WhatFailsBecomesADeadLetterThatCanBeTriedAgain) {
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
  change_from_outside(p0, "UPDATE {kinbox}.dead_letters SET state = 'requested'");
  run_until_idle({p0});
  EXPECT_THAT(effects(), ElementsAre("a", "c", "b"));
  EXPECT_EQ(verdict("b"), "applied");
  EXPECT_EQ(tally(p0), (Tally{.applied = 3}));
  EXPECT_EQ(recounted().finding, cli::Finding::kOk);
}

TEST_P(Replay, ALetterOfThatRecordIsOpenedAgain) {
  bool broken = true;
  handle = [&](const Event& event, Transaction& tx) {
    if (broken && event.id() == "b") throw PermanentError("a bug");
    insert_effect(event, tx);
  };
  process({"a", "b"});
  broken = false;
  change_from_outside(p0, "UPDATE {kinbox}.dead_letters SET state = 'requested'");
  run_until_idle({p0});
  EXPECT_EQ(tally(p0), (Tally{.applied = 2}));
  broken = true;
  replay(reprocess());
  EXPECT_THAT(texts("SELECT state FROM {kinbox}.dead_letters"), ElementsAre("open"));
  EXPECT_EQ(recounted().finding, cli::Finding::kOk);
  broken = false;
  change_from_outside(p0, "UPDATE {kinbox}.dead_letters SET state = 'requested'");
  run_until_idle({p0});
  EXPECT_THAT(effects(), ElementsAre("a", "b"));
  EXPECT_EQ(tally(p0), (Tally{.applied = 2}));
}

TEST_P(Replay, ALetterThatIsStillOpenGoesOnCounting) {
  handle = [](const Event&, Transaction&) { throw PermanentError("a bug"); };
  process({"b"});
  execute("DELETE FROM {kinbox}.processed_events");
  EXPECT_EQ(replay({}).dead, 1);
  EXPECT_THAT(texts("SELECT state FROM {kinbox}.dead_letters"), ElementsAre("open"));
  EXPECT_EQ(tally(p0), (Tally{.dead = 1}));
  EXPECT_EQ(recounted().finding, cli::Finding::kOk);
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

TEST_P(Replay, CancelledItLetsItsPartitionsGo) {
  process({"a"});
  const auto id = record(reprocess());
  {
    const auto tx = database().begin();
    EXPECT_TRUE(ReplayRows(database().dialect()).end(*tx, id, "cancelled"));
    tx->commit();
  }
  ASSERT_EQ(texts("SELECT count(*) FROM {kinbox}.consumer_progress WHERE held_by IS NOT NULL"),
            std::vector<std::string>{"0"});
  process({"b"});
  EXPECT_THAT(effects(), ElementsAre("a", "b"));
  EXPECT_THAT([&] { replayer()->take(id); }, ThrowsMessage<RefusedError>(HasSubstr("cancelled")));
}

TEST_P(Replay, APreparationThatFailsIsUndoneAndStopsIt) {
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

TEST_P(Replay, AHandlerThatEndsThePreparationIsRefused) {
  process({"a"});
  const auto id = record(reprocess());
  prepare_again = [](const ReplayRange&, Transaction& tx) { tx.execute("COMMIT"); };
  EXPECT_THROW(replayer()->take(id), Error);
  EXPECT_EQ(state(id), "paused");
}

TEST_P(Replay, HaltAndASpentBudgetPauseIt) {
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

TEST_P(Replay, ATrialTellsWhatWouldHappenAndKeepsNothing) {
  handle = [this](const Event& event, Transaction& tx) {
    if (event.id() == "d1") throw PermanentError("a bug");
    insert_effect(event, tx);
  };
  process({"a", "b", "d1", "c"});
  forget("c");
  handle = [this](const Event& event, Transaction& tx) {
    if (event.id() == "b") tx.execute("INSERT INTO nowhere VALUES (1)");
    insert_effect(event, tx);
  };
  ReplayTrial trial({.consumer = replayed_spec(),
                     .options = options.dispatch,
                     .database = connect(),
                     .plan = plan()});
  trial.apply(records());
  const auto result = trial.finish();
  const auto& mine = result.by_handler.at("calling");
  EXPECT_EQ(mine.succeeded, 3);
  EXPECT_EQ(mine.failed, 1);
  ASSERT_EQ(result.groups.size(), 1U);
  EXPECT_EQ(result.groups[0].sample_event, "b");
  EXPECT_EQ(result.groups[0].sample_offset, 1);
  EXPECT_THAT(result.groups[0].failure.error_text, HasSubstr("nowhere"));
  EXPECT_FALSE(ranges_.empty());
  EXPECT_THAT(effects(), ElementsAre("a", "b"));
  EXPECT_EQ(verdict("c"), "");
  EXPECT_THAT(texts("SELECT count(*) FROM {kinbox}.replays"), ElementsAre("0"));

  reprocessable_ = false;
  ReplayTrial careful({.consumer = replayed_spec(),
                       .options = options.dispatch,
                       .database = connect(),
                       .plan = plan()});
  careful.apply(records());
  const auto of_handler = careful.finish().by_handler.at("calling");
  EXPECT_EQ(of_handler.not_tried, 2);
  EXPECT_EQ(of_handler.succeeded, 2);
}

TEST_P(Replay, TheSurveyCountsAndChangesNothing) {
  handle = [this](const Event& event, Transaction& tx) {
    if (event.id() == "d") throw PermanentError("a bug");
    insert_effect(event, tx);
  };
  process({"a", "b", "d", "c", "u"});
  send(p0, "x", "k", "Unheard");
  log.append_json(p0, "no json");
  run_until_idle({p0});
  forget("c");
  forget("a");
  auto planned = plan();
  planned.partitions[0].trusted_from = 1;
  const HandlerRegistry handlers(replayed_spec().handlers, database().dialect());
  const auto consumer = replayed_spec();
  planned.filter.event_ids = {"a", "b", "c", "d", "x"};
  const ReplayEvents events({consumer.decoder, handlers, planned.filter});
  ReplaySurvey survey(planned, events, database());
  survey.take(records());
  survey.finish();
  EXPECT_EQ(planned.total(), (ReplayCounts{.in_range = 7,
                                           .outside = 1,
                                           .applied = 1,
                                           .dead = 1,
                                           .never_seen = 1,
                                           .unknown = 1,
                                           .undecodable = 1,
                                           .unhandled = 1}));
  EXPECT_EQ(planned.by_handler.at("calling").in_range, 4);
  EXPECT_THAT(planned.partitions[0].marks,
              ElementsAre(RecordMark::of(records().front()), RecordMark::of(records().back())));
}

TEST_P(Replay, ThePlanRemembersTheFirstAndTheLastRecordThatItRead) {
  process({"a", "b", "c"});
  const HandlerRegistry handlers(replayed_spec().handlers, database().dialect());
  const auto consumer = replayed_spec();
  auto planned = plan();
  const ReplayEvents events({consumer.decoder, handlers, {}});
  ReplaySurvey survey(planned, events, database());
  const auto all = records();
  const std::span<const Record> read(all);
  for (const std::size_t portion : {0U, 1U, 2U}) {
    survey.take(read.subspan(portion, 1));
    EXPECT_EQ(planned.partitions[0].marks.size(), portion == 0 ? 1U : 2U);
    EXPECT_EQ(planned.partitions[0].marks.front(), RecordMark::of(all.front()));
    EXPECT_EQ(planned.partitions[0].marks.back(), RecordMark::of(all[portion]));
  }
}

TEST(ReplayPlanFile, ReadsWhatItWroteAndNothingElse) {
  ReplayPlan plan;
  plan.consumer = "orders";
  plan.mode = ReplayMode::kReprocess;
  plan.filter.keys = {"k", std::string("\xff\x00", 2)};
  plan.schema = {{"kinbox", 5}};
  plan.handlers = {{.name = "h", .event_types = {"*"}, .reprocessable = true}};
  plan.partitions.push_back({.slice = {{"t", 1}, 2, 3},
                             .topic_id = "id",
                             .marks = {{2, "sum"}},
                             .counts = {.in_range = 1}});
  plan.by_handler["h"].in_range = 1;
  const auto text = to_text(plan);
  EXPECT_EQ(read_plan(text), plan);
  auto edited = text;
  edited.replace(edited.find("\"end\": 3"), 8, "\"end\": 9");
  EXPECT_THAT([&] { read_plan(edited); }, ThrowsMessage<Error>(HasSubstr("was changed")));
  EXPECT_THAT([&] { read_plan("{}"); }, ThrowsMessage<Error>(HasSubstr("that is no plan")));
  EXPECT_THAT([&] { read_plan("bananas"); }, ThrowsMessage<Error>(HasSubstr("that is no plan")));
  const ReplayChoices choices{.mode = ReplayMode::kReprocess, .emit = true, .mail_revision = 3};
  const auto recorded = read_recorded_plan(to_text(plan, choices));
  EXPECT_EQ(recorded.plan, plan);
  EXPECT_EQ(recorded.choices, choices);
}

}  // namespace
}  // namespace kinbox::testing

// Dead letters that somebody requested: tried again by the partition's owner, once.
#include <gmock/gmock.h>

#include <atomic>
#include <set>

#include "kinbox/redriver.hpp"
#include "support/letters.hpp"
#include "support/pipeline.hpp"

namespace kinbox::testing {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;

class Redrive : public Pipeline {
 protected:
  void prepare() override {
    Pipeline::prepare();
    options.dispatch.on_error.retry.max_attempts = 1;
    handle = [this](const Event& event, Transaction& tx) {
      if (!fixed && event.id().starts_with("bad")) throw std::runtime_error("a bug");
      insert_effect(event, tx);
    };
  }

  void die(const std::vector<std::string>& ids, const std::string& key = "k") {
    for (const auto& id : ids) send(p0, id, key);
    run_until_idle({p0});
  }
  void request(const std::string& which = "state = 'open'") {
    change_from_outside(p0, "UPDATE {kinbox}.letter_states SET state = 'requested' WHERE " + which);
  }
  Redriver redriver() { return {spec(), options.dispatch, connect(), observer}; }
  std::vector<std::string> states() {
    return texts("SELECT state FROM {kinbox}.dead_letters ORDER BY id");
  }
  std::vector<std::string> history() {
    return texts("SELECT what FROM {kinbox}.dead_letter_history ORDER BY id");
  }

  std::atomic<bool> fixed = false;
};
KINBOX_FOR_ALL_DATABASES(Redrive);

TEST_P(Redrive, ARequestedLetterIsAppliedAndResolved) {
  die({"bad1", "fine", "bad2"});
  fixed = true;
  request();
  run_until_idle({p0});
  EXPECT_THAT(effects(), ElementsAre("fine", "bad1", "bad2"));
  EXPECT_THAT(states(), ElementsAre("resolved", "resolved"));
  EXPECT_EQ(verdict("bad1"), "applied");
  EXPECT_EQ(tally(p0), (Tally{.applied = 3}));
  EXPECT_THAT(history(), ElementsAre("applied", "applied"));
  EXPECT_EQ(position(p0), 3);
}

TEST_P(Redrive, TheRunningOwnerFindsTheRequest) {
  send(p0, "bad1");
  bool requested = false;
  run_until({p0}, [&] {
    if (!requested && !states().empty()) {
      fixed = true;
      request();
      requested = true;
    }
    return !effects().empty();
  });
  EXPECT_THAT(effects(), ElementsAre("bad1"));
}

TEST_P(Redrive, AnOwnerThatLostItsClaimWithoutKnowingFindsTheRequestToo) {
  die({"bad1"});
  fixed = true;
  bool requested = false;
  run_until({p0}, [&] {
    // Somebody who was given the partition by mistake, and is gone again.
    if (!requested && observer.notices<notice::Assigned>().size() == 2) {
      const auto tx = database().begin();
      Progress("orders", "another", database().dialect()).take(*tx, p0, "");
      tx->commit();
      request();
      requested = true;
    }
    return !effects().empty();
  });
  EXPECT_THAT(effects(), ElementsAre("bad1"));
}

TEST_P(Redrive, PoisonWithoutAnIdIsTriedUnderTheOneItIsGiven) {
  log.append_json(p0, R"({"eventType":"Created","n":1})");
  run_until_idle({p0});
  EXPECT_THAT(dead_reasons(), ElementsAre("missing_event_id"));
  change_from_outside(p0,
                      "UPDATE {kinbox}.letters SET retry_as = 'given';"
                      "UPDATE {kinbox}.letter_states SET state = 'requested'");
  run_until_idle({p0});
  EXPECT_THAT(effects(), ElementsAre("given"));
  EXPECT_THAT(states(), ElementsAre("resolved"));
  EXPECT_EQ(verdict("given"), "applied");
  EXPECT_EQ(tally(p0), (Tally{.applied = 1}));
}

TEST_P(Redrive, WhatWasSetAsideKeepsItsIdWhateverTheRulesAreNow) {
  die({"bad1"});
  fixed = true;
  identity.id = {{.kind = IdFrom::Kind::kHeader, .what = "none has it", .pointers = {}}};
  request();
  run_until_idle({p0});
  EXPECT_THAT(effects(), ElementsAre("bad1"));
  EXPECT_EQ(verdict("bad1"), "applied");
}

TEST_P(Redrive, ALetterThatFailsAgainIsTheSameLetter) {
  die({"bad1"});
  handle = [](const Event&, Transaction&) { throw PermanentError("another bug", "other"); };
  request();
  run_until_idle({p0});
  EXPECT_THAT(states(), ElementsAre("open"));
  EXPECT_THAT(texts("SELECT redrive_count FROM {kinbox}.dead_letters"), ElementsAre("1"));
  EXPECT_THAT(texts("SELECT attempts FROM {kinbox}.dead_letters"), ElementsAre("2"));
  EXPECT_THAT(texts(kTimesOfAttempts), ElementsAre("2"));
  EXPECT_THAT(texts("SELECT error_text FROM {kinbox}.dead_letters"), ElementsAre("another bug"));
  EXPECT_THAT(history(), ElementsAre("failed_again"));
  EXPECT_EQ(verdict("bad1"), "dead");
  EXPECT_EQ(tally(p0), (Tally{.dead = 1}));
  EXPECT_THAT(texts("SELECT message_id FROM {kinbox}.outbox"),
              ElementsAre("dlq:orders:orders.created/0/0", "dlq:orders:orders.created/0/0"));
}

TEST_P(Redrive, OneThatFailsDoesNotKeepTheOthers) {
  die({"bad1", "bad2", "bad3"});
  handle = [this](const Event& event, Transaction& tx) {
    if (event.id() == "bad2") throw std::runtime_error("still");
    insert_effect(event, tx);
  };
  request();
  run_until_idle({p0});
  EXPECT_THAT(effects(), ElementsAre("bad1", "bad3"));
  EXPECT_THAT(states(), ElementsAre("resolved", "open", "resolved"));
  EXPECT_EQ(tally(p0), (Tally{.applied = 2, .dead = 1}));
}

TEST_P(Redrive, WhatIsNotDueYetWaits) {
  die({"bad1"});
  fixed = true;
  change_from_outside(p0, is_sqlite() ? "UPDATE {kinbox}.letter_states SET state = 'requested', "
                                        "due_at = strftime('%Y-%m-%dT%H:%M:%fZ', 'now', '1 hour')"
                                      : "UPDATE {kinbox}.letter_states SET state = 'requested', "
                                        "due_at = clock_timestamp() + interval '1 hour'");
  run_until_idle({p0});
  EXPECT_THAT(effects(), IsEmpty());
  EXPECT_THAT(states(), ElementsAre("requested"));
}

TEST_P(Redrive, ALetterWhoseKeyHasAQueueWaitsInIt) {
  die({"bad1"}, "k");
  options.dispatch.on_error.then = Then::kPark;
  options.dispatch.on_error.park.delays = {1h};
  die({"bad2", "fine"}, "k");
  fixed = true;
  request();
  run_until_idle({p0});
  EXPECT_THAT(states(), ElementsAre("parked"));
  EXPECT_EQ(verdict("bad1"), "parked");
  EXPECT_EQ(tally(p0), (Tally{.parked = 3}));
  EXPECT_THAT(effects(), IsEmpty());
  change_from_outside(p0,
                      "UPDATE {kinbox}.parked_events SET due_at = {now} WHERE due_at IS NOT NULL");
  run_until_idle({p0});
  // In the order of the log, though it came to the queue last.
  EXPECT_THAT(effects(), ElementsAre("bad1", "bad2", "fine"));
  EXPECT_THAT(states(), ElementsAre("resolved"));
  EXPECT_THAT(history(), ElementsAre("parked", "applied"));
  EXPECT_EQ(tally(p0), (Tally{.applied = 3}));
}

TEST_P(Redrive, ParkedAgainItIsTheSameLetterWhenItDies) {
  die({"bad1"}, "k");
  options.dispatch.on_error.then = Then::kPark;
  options.dispatch.on_error.park.delays = {1h};
  die({"bad2"}, "k");
  request();
  run_until_idle({p0});
  handle = [](const Event&, Transaction&) { throw PermanentError("hopeless"); };
  change_from_outside(p0,
                      "UPDATE {kinbox}.parked_events SET due_at = {now} WHERE due_at IS NOT NULL");
  run_until_idle({p0});
  EXPECT_THAT(texts("SELECT redrive_count FROM {kinbox}.dead_letters ORDER BY id"),
              ElementsAre("1", "0"));
  EXPECT_THAT(states(), ElementsAre("open", "open"));
  EXPECT_THAT(texts("SELECT attempts FROM {kinbox}.dead_letters ORDER BY id"),
              ElementsAre("2", "2"));
  EXPECT_THAT(texts(kTimesOfAttempts), ElementsAre("2", "2"));
  EXPECT_EQ(tally(p0), (Tally{.dead = 2}));
}

TEST_P(Redrive, WhatCameAgainWhileALetterWaitedIsCountedWithIt) {
  die({"bad1", "bad1"}, "k");
  options.dispatch.on_error.then = Then::kPark;
  options.dispatch.on_error.park.delays = {1h};
  die({"bad2"}, "k");
  request("record_offset = 0");
  run_until_idle({p0});
  die({"bad1", "bad1"}, "k");
  EXPECT_THAT(texts("SELECT seen_again FROM {kinbox}.dead_letters"), ElementsAre("1"));
  handle = [](const Event&, Transaction&) { throw PermanentError("hopeless"); };
  change_from_outside(p0,
                      "UPDATE {kinbox}.parked_events SET due_at = {now} WHERE due_at IS NOT NULL");
  run_until_idle({p0});
  EXPECT_THAT(texts("SELECT seen_again FROM {kinbox}.dead_letters ORDER BY record_offset"),
              ElementsAre("3", "0"));
  EXPECT_THAT(states(), ElementsAre("open", "open"));
}

TEST_P(Redrive, PoisonThatIsAnEventNowIsClaimedAsOne) {
  OwnedRecord record;
  record.value = R"({"eventType":"Created"})";
  log.append(p0, record);
  run_until_idle({p0});
  EXPECT_THAT(dead_reasons(), ElementsAre("missing_event_id"));
  identity.id = {{IdFrom::Kind::kCoordinates, "", {}}};
  request();
  run_until_idle({p0});
  EXPECT_THAT(effects(), ElementsAre("orders.created/0/0"));
  EXPECT_THAT(states(), ElementsAre("resolved"));
  EXPECT_EQ(tally(p0), (Tally{.applied = 1}));
}

TEST_P(Redrive, AnIdConflictIsAppliedUnderAnotherId) {
  send(p0, "fine", "k", "Created", 1);
  send(p0, "fine", "k", "Created", 2);
  run_until_idle({p0});
  EXPECT_THAT(dead_reasons(), ElementsAre("id_conflict"));
  change_from_outside(p0,
                      "UPDATE {kinbox}.letters SET retry_as = 'fine-2';"
                      "UPDATE {kinbox}.letter_states SET state = 'requested'");
  run_until_idle({p0});
  EXPECT_THAT(effects(), ElementsAre("fine", "fine-2"));
  EXPECT_EQ(tally(p0), (Tally{.applied = 2}));
}

TEST_P(Redrive, UnderAnIdThatIsTakenItIsADuplicate) {
  send(p0, "fine", "k", "Created", 1);
  send(p0, "other", "k", "Created", 1);
  send(p0, "fine", "k", "Created", 2);
  run_until_idle({p0});
  change_from_outside(p0,
                      "UPDATE {kinbox}.letters SET retry_as = 'other';"
                      "UPDATE {kinbox}.letter_states SET state = 'requested'");
  run_until_idle({p0});
  EXPECT_THAT(effects(), ElementsAre("fine", "other"));
  EXPECT_THAT(states(), ElementsAre("resolved"));
  EXPECT_EQ(tally(p0), (Tally{.applied = 2, .duplicates = 1}));
}

TEST_P(Redrive, AnEditedValueIsWhatTheHandlerSees) {
  die({"bad1"});
  std::string seen;
  handle = [&](const Event& event, Transaction& tx) {
    seen = std::string(as_text(*event.payload()));
    insert_effect(event, tx);
  };
  {
    const auto tx = database().begin();
    tx->execute(sql("UPDATE {kinbox}.letters SET edited = TRUE, edited_value = $1"),
                as_bytes(json("bad1", "Created", 7)));
    tx->commit();
  }
  request();
  run_until_idle({p0});
  EXPECT_EQ(seen, json("bad1", "Created", 7));
  EXPECT_EQ(verdict("bad1"), "applied");
}

TEST_P(Redrive, AnImportedLetterStandsForNoOffset) {
  send(p0, "fine");
  run_until_idle({p0});
  {
    const auto tx = database().begin();
    tx->execute(sql("INSERT INTO {kinbox}.letters (consumer, event_id, event_type, topic, "
                    "partition, record_offset, value, fingerprint, reason, imported) "
                    "VALUES ('orders', 'foreign', 'Created', $1, 0, 77, $2, $3, 'x', TRUE)"),
                p0.topic, as_bytes(json("foreign")), Fingerprint::of(as_bytes("x")).bytes());
    tx->execute(sql(letters_are("requested")));
    tx->execute(sql("INSERT INTO {kinbox}.processed_events (consumer, event_id, topic, partition, "
                    "record_offset, event_type, verdict, fingerprint) VALUES ('orders', 'foreign', "
                    "$1, 0, 77, 'Created', 'dead', $2)"),
                p0.topic, Fingerprint::of(as_bytes("x")).bytes());
    tx->commit();
  }
  run_until_idle({p0});
  EXPECT_THAT(effects(), ElementsAre("fine", "foreign"));
  EXPECT_EQ(tally(p0), (Tally{.applied = 1}));
}

TEST_P(Redrive, ACommitWhoseAnswerIsLostDoublesNothing) {
  die({"bad1", "bad2", "bad3"});
  fixed = true;
  request();
  options.dispatch.max_batch = 1;
  std::atomic<int> commits = 0;
  run_until(
      {p0}, [&] { return effects().size() == 3; },
      [&](FaultPoint point) {
        if (point == FaultPoint::kAfterCommit && ++commits % 2 == 0)
          throw InfrastructureError("the reply is lost");
      });
  EXPECT_THAT(effects(), ElementsAre("bad1", "bad2", "bad3"));
  EXPECT_EQ(tally(p0), (Tally{.applied = 3}));
}

TEST_P(Redrive, ItIsDoneHereAndNowWhenNobodyOwnsThePartition) {
  die({"bad1", "bad2"});
  fixed = true;
  request();
  EXPECT_EQ(redriver().run(p0), Redriver::Outcome::kDone);
  EXPECT_THAT(effects(), ElementsAre("bad1", "bad2"));
  EXPECT_THAT(states(), ElementsAre("resolved", "resolved"));
  EXPECT_EQ(tally(p0), (Tally{.applied = 2}));
  EXPECT_THAT(texts("SELECT count(*) FROM {kinbox}.consumer_progress WHERE clean_stop"),
              ElementsAre("1"));
}

TEST_P(Redrive, AnOwnerThatIsAtWorkKeepsItsPartition) {
  die({"bad1"});
  auto running = member({p0});
  std::jthread loop([&] { running.worker->run(); });
  ASSERT_TRUE(eventually([&] {
    return texts("SELECT owner FROM {kinbox}.workers").size() == 1 &&
           observer.notices<notice::Assigned>().size() == 2;
  }));
  EXPECT_EQ(redriver().run(p0), Redriver::Outcome::kOwned);
  running.worker->stop();
}

TEST_P(Redrive, AnOwnerThatVanishedIsFenced) {
  die({"bad1"});
  fixed = true;
  request();
  auto stopped = member({p0});
  bool redriven = false;
  observer.at_step([&](Step step) {
    // Between the old owner's batches, as if it had been stopped there.
    if (step != Step::kFetched || std::exchange(redriven, true)) return;
    const auto tx = database().begin();
    tx->execute(sql("DELETE FROM {kinbox}.workers"));
    tx->commit();
    EXPECT_EQ(redriver().run(p0), Redriver::Outcome::kDone);
  });
  send(p0, "next");
  stopped.worker->run({.idle = true}, 10s);
  EXPECT_THAT(effects(), UnorderedElementsAre("bad1", "next"));
  EXPECT_EQ(tally(p0), (Tally{.applied = 2}));
}

TEST_P(Redrive, APartitionThatTheConsumerNeverHadIsSaidToBeUnknown) {
  EXPECT_EQ(redriver().run(p1), Redriver::Outcome::kUnknown);
}

}  // namespace
}  // namespace kinbox::testing

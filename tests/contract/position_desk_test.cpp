#include "cli/position/position_desk.hpp"

#include <gmock/gmock.h>
#include <unistd.h>

#include <atomic>

#include "cli/inbox/recount.hpp"
#include "core/worker_presence.hpp"
#include "support/letters.hpp"
#include "support/pipeline.hpp"

namespace kinbox::cli {
namespace {

using namespace kinbox::testing;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using ::testing::ThrowsMessage;

class PositionDeskContract : public Pipeline {
 protected:
  PositionDesk desk() { return PositionDesk(database(), "orders"); }

  StoredPosition stored(const TopicPartition& partition) {
    for (const auto& position : stored_positions(database(), "orders"))
      if (position.partition == partition) return position;
    return {};
  }

  std::int64_t set(const TopicPartition& partition, std::optional<Offset> from, Offset to) {
    const Move move{partition, from, to};
    return desk().set({&move, 1}, act_);
  }
  std::int64_t pass_over(const TopicPartition& partition, Offset from, Offset to) {
    const Move move{partition, from, to};
    return desk().pass_over({&move, 1}, act_);
  }
  std::int64_t begin_anew(const TopicPartition& partition, Offset from, Offset to,
                          const PositionDesk::NewLog& new_log) {
    const Move move{partition, from, to};
    return desk().begin_anew({&move, 1}, new_log, act_);
  }
  std::int64_t release(const TopicPartition& partition) {
    return desk().release({&partition, 1}, act_);
  }

  void reject(const std::string& event_id) {
    handle = [this, event_id](const Event& event, Transaction& tx) {
      if (event.id() == event_id && !mended_) throw PermanentError("no such account");
      insert_effect(event, tx);
    };
  }

  std::vector<std::string> halts() {
    return texts(sql("SELECT state_reason FROM {kinbox}.consumer_progress WHERE state = 'halted'"));
  }

  std::atomic<bool> mended_ = false;
  const Audit::Action act_{.who = "zoe@desk", .action = "position set", .filter = "why not"};
};
KINBOX_FOR_ALL_DATABASES(PositionDeskContract);

TEST_P(PositionDeskContract, BackwardsEverythingIsADuplicate) {
  for (const auto* id : {"e-0", "e-1", "e-2"}) send(p0, id);
  run_until_idle({p0});
  set(p0, 3, 1);
  EXPECT_EQ(stored(p0).first_offset, -2);
  EXPECT_EQ(stored(p0).next_offset, 1);
  EXPECT_EQ(stored(p0).known_from(), 0) << "what was decided stays known";
  run_until_idle({p0});
  EXPECT_THAT(effects(), ElementsAre("e-0", "e-1", "e-2"));
  EXPECT_EQ(tally(p0), (Tally{.applied = 3, .duplicates = 2}));
}

TEST_P(PositionDeskContract, ForwardsWhatIsPassedOverIsNobodys) {
  for (const auto* id : {"e-0", "e-1", "e-2", "e-3"}) send(p0, id);
  script(
      sql("INSERT INTO {kinbox}.consumer_progress (consumer, topic, partition, first_offset, "
          "next_offset) VALUES ('orders', 'orders.created', 0, 0, 0)"));
  set(p0, 0, 3);
  EXPECT_EQ(stored(p0).first_offset, 3);
  EXPECT_EQ(stored(p0).known_from(), 3) << "nobody decided what lies before";
  run_until_idle({p0});
  EXPECT_THAT(effects(), ElementsAre("e-3"));
  EXPECT_EQ(tally(p0), (Tally{.applied = 1}));
}

TEST_P(PositionDeskContract, BehindWhatIsKnownTheFloorGoesAlong) {
  script(
      sql("INSERT INTO {kinbox}.consumer_progress (consumer, topic, partition, first_offset, "
          "next_offset, applied, dedup_floor) "
          "VALUES ('orders', 'orders.created', 0, 100, 150, 50, 120)"));
  set(p0, 150, 130);
  EXPECT_EQ(stored(p0).known_from(), 120);
  set(p0, 130, 40);
  EXPECT_EQ(stored(p0).known_from(), 40);
  set(p0, 40, 90);
  EXPECT_EQ(stored(p0).known_from(), 90);
  EXPECT_EQ(stored(p0).next_offset - stored(p0).first_offset, 50);
}

TEST_P(PositionDeskContract, APartitionWithoutAPositionGetsOne) {
  for (const auto* id : {"e-0", "e-1"}) send(p0, id);
  set(p0, {}, 1);
  EXPECT_EQ(stored(p0).known_from(), 1);
  EXPECT_THAT([&] { set(p0, {}, 0); }, ThrowsMessage<PositionRefused>(HasSubstr("changed since")));
  run_until_idle({p0});
  EXPECT_THAT(effects(), ElementsAre("e-1"));
}

TEST_P(PositionDeskContract, IsSetForAllPartitionsOrNone) {
  for (const auto& partition : {p0, p1})
    send(partition, "e-" + std::to_string(partition.partition));
  run_until_idle({p0, p1});
  const std::vector<Move> moves{{p0, 1, 0}, {p1, 7, 0}};
  EXPECT_THAT([&] { desk().set(moves, act_); },
              ThrowsMessage<PositionRefused>(HasSubstr("orders.created/1 changed since")));
  EXPECT_EQ(position(p0), 1);
  EXPECT_EQ(number(sql("SELECT count(*) FROM {kinbox}.audit")), 0);
}

TEST_P(PositionDeskContract, IsWrittenDown) {
  send(p0, "e-0");
  run_until_idle({p0});
  const auto id = set(p0, 1, 0);
  EXPECT_THAT(texts(sql("SELECT who || ' ' || action || ' ' || consumer || ' ' || filter || ' ' || "
                        "outcome FROM {kinbox}.audit")),
              ElementsAre("zoe@desk position set orders why not done"));
  EXPECT_EQ(number(sql("SELECT id FROM {kinbox}.audit WHERE affected = 1")), id);
}

TEST_P(PositionDeskContract, IsNotSetWhileAWorkerIsAtWork) {
  send(p0, "e-0");
  run_until_idle({p0});
  WorkerPresence presence({.database = database(), .consumer = "orders", .owner = "o"});
  presence.renew(1);
  EXPECT_THAT([&] { set(p0, 1, 0); },
              ThrowsMessage<PositionRefused>(AllOf(
                  HasSubstr("consumer orders is at work: process "), HasSubstr("stop them"))));
  EXPECT_EQ(position(p0), 1);
  presence.leave();
  set(p0, 1, 0);
  EXPECT_EQ(position(p0), 0);
}

TEST_P(PositionDeskContract, IsNotSetWhileAReplayIsNotDone) {
  send(p0, "e-0");
  run_until_idle({p0});
  script(
      sql("INSERT INTO {kinbox}.replays (consumer, mode, state, plan_hash, plan, who) "
          "VALUES ('orders', 'fill', 'paused', 'h', '{}', 'w')"));
  EXPECT_THAT([&] { set(p0, 1, 0); }, ThrowsMessage<PositionRefused>(HasSubstr("replay 1 of")));
  script(sql("UPDATE {kinbox}.replays SET state = 'done'"));
  set(p0, 1, 0);
  EXPECT_EQ(position(p0), 0);
}

TEST_P(PositionDeskContract, AWorkerThatIsThereAllTheSameGoesOnWhereItWasSet) {
  for (const auto* id : {"e-0", "e-1"}) send(p0, id);
  run_until({p0}, [&] {
    if (position(p0) != 2) return false;
    script(sql("DELETE FROM {kinbox}.workers"));
    set(p0, 2, 1);
    return true;
  });
  run_until({p0}, [&] { return tally(p0).duplicates == 1; });
  EXPECT_THAT(effects(), ElementsAre("e-0", "e-1"));
}

TEST_P(PositionDeskContract, AGapIsCounted) {
  log.append_gap(p0, 4199);
  send(p0, "before");
  run_until_idle({p0});
  log.append_gap(p0, 800);
  send(p0, "after");
  log.trim(p0, 5000);
  run_until({p0}, [&] {
    if (halts().empty()) return false;
    pass_over(p0, 4200, 5000);
    return true;
  });
  EXPECT_THAT(halts(), IsEmpty());
  run_until_idle({p0});
  EXPECT_THAT(effects(), ElementsAre("before", "after"));
  EXPECT_EQ(tally(p0), (Tally{.applied = 2, .gaps = 4999}));
}

TEST_P(PositionDeskContract, AGapIsPassedOverByTheWorkerThatMetIt) {
  log.append_gap(p0, 800);
  send(p0, "after");
  script(
      sql("INSERT INTO {kinbox}.consumer_progress (consumer, topic, partition, first_offset, "
          "next_offset) VALUES ('orders', 'orders.created', 0, 0, 0)"));
  log.trim(p0, 800);
  bool accepted = false;
  run_until({p0}, [&] {
    if (!accepted && !halts().empty()) {
      pass_over(p0, 0, 800);
      accepted = true;
    }
    return effects().size() == 1;
  });
  EXPECT_EQ(tally(p0), (Tally{.applied = 1, .gaps = 800}));
}

TEST_P(PositionDeskContract, AGapGoesForwardsAndFromWhereThePositionIs) {
  send(p0, "e-0");
  run_until_idle({p0});
  for (const auto& way : {std::pair{0, 5}, {1, 1}, {1, 0}})
    EXPECT_THAT(([&] { pass_over(p0, way.first, way.second); }),
                ThrowsMessage<PositionRefused>(HasSubstr("changed since")));
}

TEST_P(PositionDeskContract, ANewTopicBeginsAnewAndItsOldEventsAreDuplicates) {
  send(p0, "e-1");
  log.append_json(p0, "{broken");
  run_until_idle({p0});
  log.recreate(p0.topic);
  log.append_json(p0, "{broken");
  log.append_json(p0, "{broken");
  send(p0, "e-1");
  send(p0, "e-2");
  run_until_idle({p0});
  ASSERT_THAT(halts(), ElementsAre(HasSubstr("recreated: ")));
  begin_anew(p0, 2, 0, {.new_topic = true});
  EXPECT_THAT(halts(), IsEmpty());
  run_until_idle({p0});
  EXPECT_THAT(effects(), ElementsAre("e-1", "e-2"));
  EXPECT_EQ(tally(p0), (Tally{.applied = 2, .duplicates = 1, .dead = 3}));
  EXPECT_THAT(dead_reasons(), SizeIs(3));
}

TEST_P(PositionDeskContract, ANewTopicIsBegunWithUnderTheWorkerThatMetIt) {
  options.topic_check = std::chrono::milliseconds{1};
  send(p0, "e-1");
  send(p0, "e-2");
  int stage = 0;
  run_until({p0}, [&] {
    if (stage == 0 && effects().size() == 2) {
      log.recreate(p0.topic);
      stage = 1;
    } else if (stage == 1 && !halts().empty()) {
      send(p0, "e-2");
      send(p0, "e-3");
      begin_anew(p0, 2, 0, {.new_topic = true});
      stage = 2;
    }
    return effects().size() == 3;
  });
  EXPECT_THAT(effects(), ElementsAre("e-1", "e-2", "e-3"));
  EXPECT_EQ(stored(p0).topic_id, "orders.created#1");
  EXPECT_EQ(tally(p0), (Tally{.applied = 3, .duplicates = 1}));
}

TEST_P(PositionDeskContract, LettersOfTheOldLogAreToldFromThoseOfTheNew) {
  // Where the topic's id cannot be told, coordinates are all there is.
  log.append_json(p0, "{broken");
  log.append_json(p0, "{broken");
  run_until_idle({p0});
  script(sql("UPDATE {kinbox}.letters SET topic_id = ''"));
  begin_anew(p0, 2, 1, {});
  EXPECT_EQ(number(sql("SELECT record_offset FROM {kinbox}.dead_letters "
                       "WHERE topic_id LIKE ' until 20%'")),
            1);
  EXPECT_EQ(number(sql("SELECT record_offset FROM {kinbox}.dead_letters WHERE topic_id = ''")), 0);
  run_until_idle({p0});
  EXPECT_THAT(dead_reasons(), SizeIs(3));
}

TEST_P(PositionDeskContract, ANewLogWaitsForWhatIsParked) {
  send(p0, "e-1");
  run_until_idle({p0});
  script(
      sql("INSERT INTO {kinbox}.parked_events (consumer, event_id, topic, partition, "
          "record_offset, fingerprint) VALUES ('orders', 'e', 'orders.created', 0, 0, " +
          std::string(is_sqlite() ? "x'00'" : "'\\x00'::bytea") + ")"));
  EXPECT_THAT([&] { begin_anew(p0, 1, 0, {.new_topic = true}); },
              ThrowsMessage<PositionRefused>(AllOf(HasSubstr("1 events of orders.created/0"),
                                                   HasSubstr("parked dead-letter"))));
  EXPECT_EQ(position(p0), 1);
}

TEST_P(PositionDeskContract, EventsThatAreTheirOffsetsAreForgottenWithTheirLog) {
  identity.id = {{IdFrom::Kind::kCoordinates, {}, {}}};
  send(p0, "a");
  run_until_idle({p0});
  log.recreate(p0.topic);
  send(p0, "b");
  run_until_idle({p0});
  script(
      sql("INSERT INTO {kinbox}.letters (consumer, event_id, topic, partition, "
          "record_offset, reason, fingerprint) VALUES ('orders', 'e', 'orders.created', 0, 0, "
          "'r', " +
          std::string(is_sqlite() ? "x'00'" : "'\\x00'::bytea") + ");" + letters_are("open")));
  const PositionDesk::NewLog new_log{.new_topic = true, .forget_inbox = true};
  EXPECT_THAT([&] { begin_anew(p0, 1, 0, new_log); },
              ThrowsMessage<PositionRefused>(HasSubstr("1 dead letters are open")));
  script(sql("UPDATE {kinbox}.letter_states SET state = 'discarded'"));
  begin_anew(p0, 1, 0, new_log);
  run_until_idle({p0});
  EXPECT_EQ(tally(p0), (Tally{.applied = 2}));
}

class ForgottenWithTheirLog : public PositionDeskContract {
 protected:
  void prepare() override {
    PositionDeskContract::prepare();
    identity.id = {{IdFrom::Kind::kCoordinates, {}, {}}};
    for (int i = 0; i < 7; ++i) send(p0, "a");
    send(p1, "b");
    run_until_idle({p0, p1});
    log.recreate(p0.topic);
    send(p0, "c");
    run_until_idle({p0});
  }

  std::int64_t rows(int partition) {
    return number(sql("SELECT count(*) FROM {kinbox}.processed_events WHERE partition = " +
                      std::to_string(partition)));
  }
  Finding verified() {
    auto worst = Finding::kOk;
    for (const auto& found : recount(database())) worst = std::max(worst, found.finding);
    return worst;
  }
  /// Two rows of the inbox at a time, over `connection`.
  void begin(Database& connection) {
    const Move move{p0, 7, 0};
    PositionDesk(connection, "orders")
        .begin_anew({&move, 1}, {.new_topic = true, .forget_inbox = true, .batch = 2}, act_);
  }
};
KINBOX_FOR_ALL_DATABASES(ForgottenWithTheirLog);

TEST_P(ForgottenWithTheirLog, TheyGoInSmallTransactionsAndNobodyElses) {
  int commits = 0;
  const auto counting = with_faults(connect(), [&](FaultPoint point) {
    if (point == FaultPoint::kAfterCommit) ++commits;
  });
  begin(*counting);
  EXPECT_GE(commits, 5) << "eight rows of the inbox, two at a time, and the position";
  EXPECT_EQ(rows(0), 0);
  EXPECT_EQ(rows(1), 1);
  EXPECT_EQ(verified(), Finding::kOk) << "what was counted and went is counted, too";
  run_until_idle({p0});
  EXPECT_EQ(tally(p0), (Tally{.applied = 8}));
  EXPECT_EQ(verified(), Finding::kOk);
}

TEST_P(ForgottenWithTheirLog, WhoDiesOnTheWayRepeatsTheCommand) {
  int deaths = 0;
  for (; rows(0) > 0; ++deaths) {
    ASSERT_LT(deaths, 7) << "each goes on where the last one stopped";
    int commits = 0;
    const auto dying = with_faults(connect(), [&](FaultPoint point) {
      if (point == FaultPoint::kBeforeCommit && ++commits > 2) throw InfrastructureError("it died");
    });
    EXPECT_THROW(begin(*dying), InfrastructureError);
    EXPECT_EQ(position(p0), 7) << "the position stays until all of them are gone";
    EXPECT_EQ(verified(), Finding::kOk);
    run_until_idle({p0});
    EXPECT_THAT(halts(), ElementsAre(HasSubstr("recreated: ")));
  }
  EXPECT_EQ(deaths, 4) << "seven rows, two at a time";
  begin(database());
  run_until_idle({p0});
  EXPECT_EQ(tally(p0), (Tally{.applied = 8}));
}

TEST_P(ForgottenWithTheirLog, NothingGoesWhenThePositionIsAnother) {
  script(
      sql("UPDATE {kinbox}.consumer_progress SET next_offset = 6, applied = 6 "
          "WHERE partition = 0"));
  EXPECT_THAT([&] { begin(database()); },
              ThrowsMessage<PositionRefused>(HasSubstr("changed since it was looked at")));
  EXPECT_EQ(rows(0), 7);
}

TEST_P(PositionDeskContract, AHaltedPartitionIsReleasedUnderARunningWorker) {
  reject("e-1");
  options.dispatch.on_error.then = Then::kHalt;
  for (const auto* id : {"e-0", "e-1", "e-2"}) send(p0, id);
  bool released = false;
  run_until({p0}, [&] {
    if (!released && !halts().empty()) {
      mended_ = true;
      release(p0);
      released = true;
    }
    return effects().size() == 3;
  });
  EXPECT_THAT(effects(), ElementsAre("e-0", "e-1", "e-2"));
  EXPECT_EQ(stored(p0).state, "running");
}

TEST_P(PositionDeskContract, OnlyWhatIsHaltedIsReleased) {
  send(p0, "e-0");
  run_until_idle({p0});
  EXPECT_THAT([&] { release(p0); },
              ThrowsMessage<PositionRefused>(HasSubstr("orders.created/0 is not halted")));
}

TEST_P(PositionDeskContract, ShowsWhoIsAtWork) {
  send(p0, "e-0");
  run_until_idle({p0});
  EXPECT_EQ(stored(p0).owner_at, "");
  EXPECT_EQ(stored(p0).group, "g");
  EXPECT_TRUE(stored(p0).clean_stop);
  WorkerPresence presence(
      {.database = database(), .consumer = "orders", .owner = stored(p0).owner});
  presence.renew(1);
  EXPECT_THAT(stored(p0).owner_at, HasSubstr(" pid " + std::to_string(getpid())));
  EXPECT_THAT(stored_positions(database(), "another"), IsEmpty());
  EXPECT_THAT(stored_positions(database(), ""), SizeIs(1));
}

}  // namespace
}  // namespace kinbox::cli

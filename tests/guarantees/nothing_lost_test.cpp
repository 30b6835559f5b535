// "Nothing lost" and "The database is the position" of the promise, with the scripted log.
#include <gmock/gmock.h>

#include <random>
#include <set>
#include <thread>
#include <utility>

#include "support/eventually.hpp"
#include "support/pipeline.hpp"

namespace kinbox::testing {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class NothingLost : public Pipeline {};
KINBOX_FOR_ALL_DATABASES(NothingLost);

TEST_P(NothingLost, EveryRecordGetsOneVerdict) {
  send(p0, "fine");
  send(p0, "fine");
  log.append_json(p0, "{broken");
  send(p0, "unknown", "k", "NobodyTakesThis");
  log.append_gap(p0, 2);
  send(p0, "last");
  run_until_idle({p0});
  EXPECT_EQ(tally(p0), (Tally{.applied = 2, .duplicates = 1, .dead = 2, .gaps = 2}));
  EXPECT_EQ(position(p0), 7);
  EXPECT_THAT(dead_reasons(), ElementsAre("undecodable", "unknown_type"));
}

TEST_P(NothingLost, ADeadLetterKeepsTheRecordByteForByte) {
  OwnedRecord record;
  record.key = std::string("\x00\xFFkey", 5);
  record.value = std::string("\x00{not json\xFF", 11);
  record.timestamp = Timestamp{std::chrono::milliseconds{1700000000123}};
  record.headers = {{"a", "1"}, {"a", std::nullopt}, {"b", ""}};
  log.append(p0, record);
  run_until_idle({p0});
  const auto tx = database().begin();
  const auto row =
      tx->query(sql("SELECT key, value, headers, record_timestamp_ms, event_id, "
                    "record_offset FROM {kinbox}.dead_letters"))[0];
  EXPECT_EQ(as_text(row.get<ByteVector>("key")), *record.key);
  EXPECT_EQ(as_text(row.get<ByteVector>("value")), *record.value);
  EXPECT_EQ(row.get<std::string>("headers"), R"([["a","MQ=="],["a",null],["b",""]])");
  EXPECT_EQ(row.get<std::int64_t>("record_timestamp_ms"), 1700000000123);
  EXPECT_EQ(row.get<std::optional<std::string>>("event_id"), std::nullopt);
}

TEST_P(NothingLost, ADeadLetterWaitsForTheRelayInTheSameTransaction) {
  log.append_json(p0, "{broken");
  run_until_idle({p0});
  EXPECT_THAT(texts("SELECT o.topic FROM {kinbox}.outbox AS o JOIN {kinbox}.dead_letters AS d "
                    "ON d.id = o.dead_letter_id WHERE o.state = 'pending'"),
              ElementsAre("dlq.g.orders.created"));
}

TEST_P(NothingLost, SkippingMustBeNamedAndIsCounted) {
  options.dispatch.unknown_types = UnknownTypes::kSkip;
  send(p0, "e-1", "k", "NobodyTakesThis");
  run_until_idle({p0});
  EXPECT_EQ(tally(p0), (Tally{.skipped = 1}));
  EXPECT_EQ(verdict("e-1"), "skipped");
  EXPECT_THAT(observer.notices<notice::Skipped>().at(0).failure.error_text,
              HasSubstr("no handler for type \"NobodyTakesThis\""));
}

TEST_P(NothingLost, OlderThanSkipsByTheRecordsTimestamp) {
  using std::chrono::hours;
  const auto now = std::chrono::floor<std::chrono::milliseconds>(std::chrono::system_clock::now());
  options.dispatch.older_than = hours{1};
  const auto append = [&](std::optional<std::string> value, std::optional<Timestamp> timestamp) {
    OwnedRecord record;
    record.value = std::move(value);
    record.timestamp = timestamp;
    log.append(p0, std::move(record));
  };
  append(json("old"), now - hours{2});
  append(json("new"), now - std::chrono::minutes{30});
  append(json("of the future"), now + hours{2});
  append(json("without a timestamp"), std::nullopt);
  append(json("of no known type", "NobodyTakesThis"), now - hours{2});
  append("poison", now - hours{2});
  append("poison", now);
  run_until_idle({p0});
  EXPECT_THAT(effects(), ElementsAre("new", "of the future", "without a timestamp"));
  EXPECT_EQ(verdict("old"), "skipped");
  EXPECT_THAT(dead_reasons(), ElementsAre("undecodable"));
  EXPECT_EQ(tally(p0), (Tally{.applied = 3, .dead = 1, .skipped = 3}));
  const auto skipped = observer.notices<notice::Skipped>();
  for (const auto& notice : skipped) EXPECT_EQ(notice.failure.reason, "older_than");
  EXPECT_THAT(skipped.at(0).failure.error_text,
              AllOf(HasSubstr("orders.created/0@0 is of "), HasSubstr("older_than")));
}

TEST_P(NothingLost, WhatWasTooOldStaysSkippedWhenItComesAgain) {
  options.dispatch.older_than = std::chrono::hours{1};
  OwnedRecord record;
  record.value = json("old");
  record.timestamp = Timestamp{std::chrono::milliseconds{1}};
  log.append(p0, record);
  send(p0, "old");
  run_until_idle({p0});
  EXPECT_THAT(effects(), IsEmpty());
  EXPECT_EQ(tally(p0), (Tally{.duplicates = 1, .skipped = 1}));
}

TEST_P(NothingLost, NothingIsTooOldForAnAgeThatNoClockHolds) {
  options.dispatch.older_than = std::chrono::milliseconds::max();
  OwnedRecord record;
  record.value = json("old");
  record.timestamp = Timestamp{std::chrono::milliseconds{0}};
  log.append(p0, record);
  run_until_idle({p0});
  EXPECT_EQ(verdict("old"), "applied");
}

TEST_P(NothingLost, ThePositionComesFromTheDatabaseNotFromKafka) {
  send(p0, "e-1");
  send(p0, "e-2");
  run_until_idle({p0});
  send(p0, "e-3");
  // A zombie, or a tool, told Kafka nonsense.
  log.set_told(p0, 3);
  run_until_idle({p0});
  EXPECT_THAT(effects(), ElementsAre("e-1", "e-2", "e-3"));
}

TEST_P(NothingLost, WithoutAPositionTheGroupsCommittedOffsetIsTaken) {
  send(p0, "before");
  send(p0, "after");
  log.set_told(p0, 1);
  run_until_idle({p0});
  EXPECT_THAT(effects(), ElementsAre("after"));
}

TEST_P(NothingLost, LatestIsResolvedAndStoredBeforeTheFirstFetch) {
  options.initial.kind = InitialPosition::Kind::kLatest;
  send(p0, "before");
  run_until_idle({p0});
  send(p0, "after");
  // A restart must not resolve "latest" again.
  run_until_idle({p0});
  EXPECT_THAT(effects(), ElementsAre("after"));
}

TEST_P(NothingLost, SinceStartsAtTheFirstRecordOfThatTime) {
  options.initial = {InitialPosition::Kind::kSince, Timestamp{std::chrono::milliseconds{200}}};
  for (const int ms : {100, 200, 300}) {
    OwnedRecord record;
    record.value = json("e-" + std::to_string(ms));
    record.timestamp = Timestamp{std::chrono::milliseconds{ms}};
    log.append(p0, record);
  }
  run_until_idle({p0});
  EXPECT_THAT(effects(), ElementsAre("e-200", "e-300"));
}

TEST_P(NothingLost, RetentionBehindThePositionHaltsWithTheExactGap) {
  for (int i = 0; i < 5; ++i) send(p0, "e-" + std::to_string(i));
  log.set_told(p0, 1);
  run_until_idle({p0});
  for (int i = 5; i < 9; ++i) send(p0, "e-" + std::to_string(i));
  log.trim(p0, 8);
  const auto result = run_until_idle({p0});
  EXPECT_EQ(position(p0), 5);
  ASSERT_EQ(result.halted.size(), 1U);
  EXPECT_THAT(result.halted[0].second, HasSubstr("records 5 to 7 are gone"));
  EXPECT_THAT(texts("SELECT state FROM {kinbox}.consumer_progress"), ElementsAre("halted"));
}

TEST_P(NothingLost, ATopicThatEndsBeforeThePositionHalts) {
  for (int i = 0; i < 3; ++i) send(p0, "e-" + std::to_string(i));
  log.set_told(p0, 7);
  const auto result = run_until_idle({p0});
  ASSERT_EQ(result.halted.size(), 1U);
  EXPECT_THAT(result.halted[0].second, HasSubstr("ends at offset 3, our position is 7"));
  EXPECT_THAT(effects(), IsEmpty());
}

TEST_P(NothingLost, AHaltedPartitionLeavesTheOthersAlone) {
  log.append_json(p0, "{broken");
  send(p0, "behind");
  send(p1, "fine");
  options.dispatch.on_error.then = Then::kHalt;
  const auto result = run_until_idle({p0, p1});
  EXPECT_THAT(effects(), ElementsAre("fine"));
  EXPECT_EQ(position(p0), 0);
  ASSERT_EQ(result.halted.size(), 1U);
  EXPECT_THAT(result.halted[0].second, HasSubstr("undecodable"));
}

TEST_P(NothingLost, ARestartTriesAHaltedPartitionAgain) {
  options.dispatch.on_error.then = Then::kHalt;
  handle = [](const Event&, Transaction&) { throw PermanentError("bug"); };
  send(p0, "e-1");
  run_until_idle({p0});
  handle = [this](const Event& event, Transaction& tx) { insert_effect(event, tx); };
  EXPECT_THAT(run_until_idle({p0}).halted, IsEmpty());
  EXPECT_THAT(effects(), ElementsAre("e-1"));
}

TEST_P(NothingLost, AnOutageOfTheDatabaseLosesAndRepeatsNothing) {
  for (int i = 0; i < 50; ++i) send(i % 2 == 0 ? p0 : p1, "e-" + std::to_string(i));
  options.budget.max_records = 7;
  std::mt19937 random(17);
  int strikes = 0;
  run_until_idle({p0, p1}, [&](FaultPoint) {
    if (random() % 20 != 0) return;
    ++strikes;
    throw InfrastructureError("scripted outage");
  });
  EXPECT_GT(strikes, 0);
  const auto all = effects();
  EXPECT_EQ(all.size(), 50U);
  EXPECT_EQ(std::set<std::string>(all.begin(), all.end()).size(), 50U);
  EXPECT_THAT(dead_reasons(), IsEmpty());
}

TEST_P(NothingLost, AnOutageIsOverAlsoForAWorkerThatLostWhatItHeld) {
  options.infrastructure.first_delay = std::chrono::milliseconds{100};
  send(p0, "mine");
  Member m;
  bool struck = false;
  m = member({p0}, [&](FaultPoint point) {
    if (point != FaultPoint::kBeforeCommit || observer.steps().empty() || struck) return;
    struck = true;
    m.source->revoke({p0}, Revocation::kLost);
    m.source->assign({p1});
    throw InfrastructureError("scripted outage");
  });
  std::thread worker([&] { m.worker->run({}, std::chrono::seconds{5}); });
  EXPECT_TRUE(eventually([&] { return observer.notices<notice::Assigned>().size() == 2; }));
  send(p1, "new");
  EXPECT_TRUE(eventually([&] { return effects() == std::vector<std::string>{"new"}; }));
  m.worker->stop();
  worker.join();
}

TEST_P(NothingLost, AWorkerThatLostItsPartitionsIsNotDoneButWaitsForOthers) {
  options.budget.max_records = 1;
  send(p0, "e-1");
  send(p0, "e-2");
  auto m = member({p0});
  bool lost = false;
  observer.at_step([&](Step step) {
    if (step != Step::kHandled || std::exchange(lost, true)) return;
    m.source->revoke({p0}, Revocation::kLost);
  });
  std::thread worker([&] { m.worker->run({.idle = true}, std::chrono::seconds{5}); });
  EXPECT_TRUE(eventually([&] { return observer.notices<notice::Revoked>().size() == 1; }));
  m.source->assign({p0});
  worker.join();
  EXPECT_THAT(effects(), ElementsAre("e-1", "e-2"));
}

TEST_P(NothingLost, AWorkerThatIsGivenNothingIsDone) {
  send(p0, "e-1");
  auto m = member({});
  EXPECT_EQ(m.worker->run({.idle = true}, std::chrono::seconds{5}).records, 0);
}

TEST_P(NothingLost, APartitionThatCannotBeTakenIsTakenLater) {
  send(p0, "e-1");
  bool registered = false;
  run_until_idle({p0}, [&](FaultPoint point) {
    if (point != FaultPoint::kBegin) return;
    if (!registered) {
      registered = true;
      return;
    }
    if (observer.notices<notice::Unclaimed>().size() < 3) throw InfrastructureError("not now");
  });
  EXPECT_EQ(observer.notices<notice::Unclaimed>().size(), 3U);
  EXPECT_THAT(effects(), ElementsAre("e-1"));
}

TEST_P(NothingLost, ABrokerThatIsAwayAtTheFirstAssignmentOnlyDelays) {
  send(p0, "e-1");
  auto m = member({p0});
  // cluster_id() at the start, then told() at the assignment.
  m.source->lose_broker(3);
  m.worker->run({.idle = true}, std::chrono::seconds{5});
  EXPECT_THAT(effects(), ElementsAre("e-1"));
}

TEST_P(NothingLost, AnotherGroupOrClusterUnderTheNameIsRefused) {
  run_until_idle({p0});
  auto stranger = spec();
  stranger.group = "other";
  Worker worker(stranger, options, log.member(), connect(), observer);
  try {
    worker.run({.idle = true}, std::chrono::seconds{1});
    FAIL() << "another group was accepted";
  } catch (const RefusedError& e) {
    EXPECT_THAT(e.what(), HasSubstr("belongs to group \"g\""));
  }
  script(sql("UPDATE {kinbox}.consumers SET cluster_id = 'elsewhere'"));
  EXPECT_THROW(run_until_idle({p0}), RefusedError);
}

}  // namespace
}  // namespace kinbox::testing

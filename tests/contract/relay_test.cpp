// The outbox relay over a scripted publisher, on both databases.
#include <gmock/gmock.h>

#include "core/outbox_place.hpp"
#include "support/relay_pipeline.hpp"

namespace kinbox::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using ::testing::UnorderedElementsAre;

class RelayContract : public RelayPipeline {
 protected:
  /// A dead letter of a record with that key, and with it an outbox row.
  void bury(const std::string& key, const std::string& id) {
    send(p0, id, key, "NobodyTakesThis");
    run_until_idle({p0});
  }

  static std::vector<std::string> keys(const ScriptedPublisher& publisher) {
    std::vector<std::string> found;
    for (const auto& entry : publisher.published) found.push_back(entry.record.key.value_or("-"));
    return found;
  }

  static std::optional<std::string> header(const OwnedRecord& record, const std::string& name) {
    for (const auto& header : record.headers)
      if (header.name == name) return header.value;
    return std::nullopt;
  }

  std::vector<std::string> states() {
    return texts("SELECT state FROM {kinbox}.outbox ORDER BY id");
  }

  static Delivery failed(const ScriptedPublisher::Published& entry, Delivery::Outcome outcome) {
    return {.ticket = entry.ticket, .outcome = outcome, .error = "the script says no"};
  }
};
KINBOX_FOR_ALL_DATABASES(RelayContract);

TEST_P(RelayContract, ADeadLetterReachesItsTopicOnce) {
  bury("k", "e-1");
  auto r = relay();
  EXPECT_EQ(r.relay->run_once(), 1U);
  EXPECT_EQ(r.relay->run_once(), 0U);
  ASSERT_THAT(r.publisher->published, SizeIs(1));
  const auto& record = r.publisher->published[0].record;
  EXPECT_EQ(record.topic, "dlq.g.orders.created");
  EXPECT_EQ(record.key, "k");
  EXPECT_EQ(record.value, json("e-1", "NobodyTakesThis"));
  EXPECT_THAT(states(), ElementsAre("sent"));
}

TEST_P(RelayContract, ADeadLetterSaysWhereItComesFromAndWhy) {
  OwnedRecord original;
  original.key = "k";
  original.value = json("e-1", "NobodyTakesThis");
  original.timestamp = Timestamp{std::chrono::milliseconds{1700000000123}};
  original.headers = {{"trace", "abc"}, {"trace", std::nullopt}};
  log.append(p0, original);
  run_until_idle({p0});
  auto r = relay();
  r.relay->run_once();
  const auto& record = r.publisher->published.at(0).record;
  EXPECT_EQ(record.timestamp, original.timestamp);
  EXPECT_EQ(record.headers.at(0), original.headers[0]);
  EXPECT_EQ(record.headers.at(1), original.headers[1]);
  EXPECT_EQ(header(record, "__dlq.errors.topic"), "orders.created");
  EXPECT_EQ(header(record, "__dlq.errors.partition"), "0");
  EXPECT_EQ(header(record, "__dlq.errors.offset"), "0");
  EXPECT_EQ(header(record, "__dlq.errors.group"), "g");
  EXPECT_EQ(header(record, "kinbox-event-id"), "e-1");
  EXPECT_EQ(header(record, "kinbox-reason"), "unknown_type");
  EXPECT_EQ(header(record, "kinbox-message-id"), "dlq:orders:orders.created/0/0");
  EXPECT_THAT(*header(record, "kinbox-error-message"), ::testing::HasSubstr("no handler for type"));
  EXPECT_THAT(*header(record, "kinbox-dead-at"),
              ::testing::MatchesRegex("....-..-..T..:..:......Z"));
  EXPECT_THAT(*header(record, "kinbox-fingerprint"), SizeIs(34));
}

TEST_P(RelayContract, ASecondDeathKeepsTheOriginAndReplacesTheError) {
  OwnedRecord again;
  again.value = json("e-1", "NobodyTakesThis");
  again.headers = {{"__dlq.errors.topic", "first"},
                   {"__dlq.errors.partition", "7"},
                   {"__dlq.errors.offset", "42"},
                   {"kinbox-reason", "old"}};
  log.append(p0, again);
  run_until_idle({p0});
  auto r = relay();
  r.relay->run_once();
  const auto& record = r.publisher->published.at(0).record;
  EXPECT_EQ(header(record, "__dlq.errors.topic"), "first");
  EXPECT_EQ(header(record, "__dlq.errors.offset"), "42");
  EXPECT_EQ(header(record, "kinbox-reason"), "unknown_type");
}

TEST_P(RelayContract, OneKeyGoesInOrderOneAtATimeAndManyKeysTogether) {
  for (int i = 0; i < 3; ++i)
    for (const auto* key : {"a", "b"}) bury(key, std::string(key) + std::to_string(i));
  auto r = relay();
  EXPECT_EQ(r.relay->run_once(), 6U);
  EXPECT_EQ(r.publisher->most_under_way_per_key, 1U);
  EXPECT_THAT(keys(*r.publisher), ElementsAre("a", "b", "a", "b", "a", "b"));
  EXPECT_EQ(header(r.publisher->published[0].record, "kinbox-event-id"), "a0");
  EXPECT_EQ(header(r.publisher->published[2].record, "kinbox-event-id"), "a1");
}

TEST_P(RelayContract, AFailedRowWaitsAndItsKeyBehindIt) {
  bury("a", "a0");
  bury("a", "a1");
  bury("b", "b0");
  auto r = relay();
  r.publisher->answer = [](const auto& entry) {
    return entry.record.key == "a" ? failed(entry, Delivery::Outcome::kRetry)
                                   : Delivery{.ticket = entry.ticket};
  };
  EXPECT_EQ(r.relay->run_once(), 1U);
  EXPECT_THAT(keys(*r.publisher), UnorderedElementsAre("a", "b"));
  EXPECT_THAT(states(), ElementsAre("pending", "pending", "sent"));
  EXPECT_THAT(texts("SELECT last_error FROM {kinbox}.outbox ORDER BY id"),
              ElementsAre("the script says no", "", ""));
  const auto blocked = observer.notices<notice::RelayBlocked>();
  ASSERT_THAT(blocked, SizeIs(1));
  EXPECT_EQ(blocked[0].waiting, 2U);
}

TEST_P(RelayContract, ABlockedTopicDoesNotKeepTheOthersFromBeingRead) {
  for (int i = 0; i < 5; ++i) bury("a", "a" + std::to_string(i));
  send(other_topic, "other", "k", "NobodyTakesThis");
  run_until_idle({other_topic});
  auto r = relay({.batch = 2});
  r.publisher->answer = [](const auto& entry) {
    return entry.record.topic == "dlq.g.orders.created" ? failed(entry, Delivery::Outcome::kRetry)
                                                        : Delivery{.ticket = entry.ticket};
  };
  EXPECT_EQ(r.relay->run_once(), 0U);
  EXPECT_EQ(r.relay->run_once(), 1U);
  EXPECT_EQ(r.publisher->published.back().record.topic, "dlq.g.orders.changed");
}

TEST_P(RelayContract, ARefusedRowIsSetAsideWithItsReason) {
  bury("a", "too large");
  bury("a", "fits");
  auto r = relay();
  r.publisher->answer = [first = true](const auto& entry) mutable {
    const auto outcome = first ? Delivery::Outcome::kRefused : Delivery::Outcome::kDelivered;
    first = false;
    return failed(entry, outcome);
  };
  r.relay->run_once();
  EXPECT_THAT(states(), ElementsAre("refused", "sent"));
}

TEST_P(RelayContract, RowsThatCommitLateAreNotSkipped) {
  bury("a", "early");
  auto r = relay();
  r.relay->run_once();
  // A smaller id becomes visible after larger ones were sent, as with a transaction held open.
  script(sql("UPDATE {kinbox}.outbox SET state = 'pending' WHERE id = 1"));
  bury("b", "late");
  EXPECT_EQ(r.relay->run_once(), 2U);
}

TEST_P(RelayContract, LanesAreLeasedToOneRelayAtATime) {
  bury("a", "a0");
  auto first = relay();
  auto second = relay();
  first.relay->run_once();
  bury("a", "a1");
  EXPECT_EQ(second.relay->run_once(), 0U);
  EXPECT_THAT(second.publisher->published, IsEmpty());
  first.relay->release();
  EXPECT_EQ(second.relay->run_once(), 1U);
}

TEST_P(RelayContract, AnExpiredLeaseIsTakenOver) {
  bury("a", "a0");
  auto gone = relay({.lease = std::chrono::milliseconds{0}});
  gone.publisher->answer = [](const auto& entry) {
    return failed(entry, Delivery::Outcome::kRetry);
  };
  gone.relay->run_once();
  auto heir = relay();
  EXPECT_EQ(heir.relay->run_once(), 1U);
}

TEST_P(RelayContract, ARowThatIsUnderWayIsNotPublishedTwice) {
  bury("a", "a0");
  auto r = relay({.lease = std::chrono::milliseconds{300}});
  r.publisher->answer = [](const auto&) { return std::nullopt; };
  EXPECT_EQ(r.relay->run_once(), 0U);
  r.publisher->late.push_back({.ticket = r.publisher->published.at(0).ticket});
  EXPECT_EQ(r.relay->run_once(), 1U);
  EXPECT_THAT(r.publisher->published, SizeIs(1));
  EXPECT_THAT(states(), ElementsAre("sent"));
}

TEST_P(RelayContract, ACrashBeforeTheMarkSendsTheSameMessageAgain) {
  bury("a", "a0");
  bool struck = false;
  int commits = 0;
  auto crashing = relay({}, [&](FaultPoint point) {
    if (point != FaultPoint::kBeforeCommit || ++commits != 2) return;
    struck = true;
    throw InfrastructureError("died before the mark");
  });
  EXPECT_THROW(crashing.relay->run_once(), InfrastructureError);
  EXPECT_TRUE(struck);
  crashing.relay->release();
  auto heir = relay();
  heir.relay->run_once();
  EXPECT_EQ(crashing.publisher->published.at(0).record, heir.publisher->published.at(0).record);
}

TEST_P(RelayContract, TheLoopWorksUntilItIsStopped) {
  bury("a", "a0");
  auto r = relay({.idle_poll = std::chrono::milliseconds{1}});
  std::jthread loop([&](std::stop_token stop) { r.relay->run(std::move(stop)); });
  while (observer.notices<notice::Relayed>().empty()) std::this_thread::yield();
  loop.request_stop();
  loop.join();
  EXPECT_EQ(number(sql("SELECT count(*) FROM {kinbox}.outbox_lanes WHERE token <> ''")), 0);
}

TEST_P(RelayContract, TheLoopOutlivesAnOutageOfTheDatabase) {
  bury("a", "a0");
  int failures = 1;
  auto r = relay({.idle_poll = std::chrono::milliseconds{1}}, [&](FaultPoint point) {
    if (point == FaultPoint::kBegin && failures-- > 0) throw InfrastructureError("away");
  });
  std::jthread loop([&](std::stop_token stop) { r.relay->run(std::move(stop)); });
  while (observer.notices<notice::Relayed>().empty()) std::this_thread::yield();
  EXPECT_THAT(observer.notices<notice::Unavailable>(), SizeIs(1));
}

TEST(OutboxPlace, HasOneOf64LanesAndFollowsTopicAndKey) {
  std::set<int> lanes;
  std::set<std::int64_t> hashes;
  for (int i = 0; i < 1000; ++i) {
    const auto place = outbox_place("t", std::to_string(i));
    lanes.insert(place.lane);
    hashes.insert(place.hash);
  }
  EXPECT_EQ(lanes.size(), 64U);
  EXPECT_EQ(*lanes.begin(), 0);
  EXPECT_EQ(hashes.size(), 1000U);
  // Stored: another value here would part the rows of a key.
  EXPECT_EQ(outbox_place("t", "k").hash, 6227861567144085014LL);
  EXPECT_EQ(outbox_place("t", "k").lane, 22);
  // The separator keeps topic and key apart.
  EXPECT_NE(outbox_place("ab", "c").hash, outbox_place("a", "bc").hash);
}

}  // namespace
}  // namespace kinbox::testing

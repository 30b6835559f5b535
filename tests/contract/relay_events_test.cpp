// Events on their way to Kafka: order, what is set aside, waking, ends, over scripted publishers.
#include <gmock/gmock.h>

#include <atomic>

#include "kinbox/outbox.hpp"
#include "support/relay_pipeline.hpp"

namespace kinbox::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using ::testing::UnorderedElementsAre;
using Outcome = Delivery::Outcome;
using std::chrono::hours;
using std::chrono::milliseconds;

constexpr RelayOptions kNeverByItself{.idle_poll = hours{1}};

class RelayEvents : public RelayPipeline {
 protected:
  std::string emit(Transaction& tx, std::optional<std::string> key, const std::string& id,
                   const std::string& topic = "payments") {
    return Outbox(tx.dialect(), {.source = "/shop"})
        .emit(tx, {.topic = topic, .key = std::move(key), .id = id, .type = "t", .payload = id});
  }

  void emit(std::optional<std::string> key, const std::string& id,
            const std::string& topic = "payments") {
    const auto tx = database().begin();
    emit(*tx, std::move(key), id, topic);
    tx->commit();
  }

  static std::vector<std::string> values(const ScriptedPublisher& publisher) {
    std::vector<std::string> found;
    for (const auto& entry : publisher.published) found.push_back(entry.record.value.value_or("-"));
    return found;
  }

  static ScriptedPublisher::Answer answer_to(const std::string& value, Outcome outcome) {
    return [=](const ScriptedPublisher::Published& entry) {
      return Delivery{.ticket = entry.ticket,
                      .outcome = entry.record.value == value ? outcome : Outcome::kDelivered,
                      .error = "the script says no"};
    };
  }

  std::vector<std::string> states() {
    return texts("SELECT state FROM {kinbox}.outbox ORDER BY id");
  }

  /// Until `count` rows were relayed; more time than the test has is a failure.
  void await_relayed(std::size_t count) {
    std::size_t relayed = 0;
    while (relayed < count) {
      relayed = 0;
      for (const auto& notice : observer.notices<notice::Relayed>()) relayed += notice.records;
      std::this_thread::yield();
    }
  }
};
KINBOX_FOR_ALL_DATABASES(RelayEvents);

TEST_P(RelayEvents, AnEventArrivesAsItWasEmitted) {
  const auto tx = database().begin();
  Outbox(tx->dialect(), {})
      .emit(*tx, {.topic = "payments",
                  .key = std::string("\0k", 2),
                  .id = "p-1",
                  .type = "payment.completed",
                  .source = "/shop",
                  .headers = {{"x", "1"}, {"x", std::nullopt}},
                  .payload = std::string("\0\xFF", 2),
                  .content_type = "application/octet-stream",
                  .time = Timestamp{milliseconds{1700000000123}}});
  tx->commit();
  auto r = relay();
  EXPECT_EQ(r.relay->run_once(), 1U);
  ASSERT_THAT(r.publisher->published, SizeIs(1));
  const auto& record = r.publisher->published[0].record;
  EXPECT_EQ(record.topic, "payments");
  EXPECT_EQ(record.key, std::string("\0k", 2));
  EXPECT_EQ(record.value, std::string("\0\xFF", 2));
  using H = OwnedRecord::OwnedHeader;
  EXPECT_THAT(
      record.headers,
      ElementsAre(H{"ce_specversion", "1.0"}, H{"ce_id", "p-1"}, H{"ce_source", "/shop"},
                  H{"ce_type", "payment.completed"}, H{"ce_time", "2023-11-14T22:13:20.123Z"},
                  H{"content-type", "application/octet-stream"}, H{"x", "1"},
                  H{"x", std::nullopt}));
  EXPECT_THAT(states(), ElementsAre("sent"));
}

TEST_P(RelayEvents, EventsWithoutAKeyGoTogether) {
  for (const auto* id : {"1", "2", "3"}) emit(std::nullopt, id);
  auto r = relay();
  EXPECT_EQ(r.relay->run_once(), 3U);
  // The script counts what has no key as one key.
  EXPECT_EQ(r.publisher->most_under_way_per_key, 3U);
}

TEST_P(RelayEvents, WhatIsSetAsideKeepsItsKeyBackAndNothingElse) {
  for (const auto* id : {"a1", "a2", "b1"}) emit(std::string(1, id[0]), id);
  auto r = relay();
  r.publisher->answer = answer_to("a1", Outcome::kRefused);
  EXPECT_EQ(r.relay->run_once(), 2U);
  emit("a", "a3");
  emit("b", "b2");
  EXPECT_EQ(r.relay->run_once(), 1U);
  EXPECT_THAT(values(*r.publisher), UnorderedElementsAre("a1", "b1", "b2"));
  EXPECT_THAT(states(), ElementsAre("refused", "pending", "sent", "pending", "sent"));
  const auto refused = observer.notices<notice::RelayRefused>();
  ASSERT_THAT(refused, SizeIs(1));
  EXPECT_EQ(refused[0].records, 1U);
  EXPECT_EQ(refused[0].why, "the script says no");
}

TEST_P(RelayEvents, WhatWasSetAsideGoesFirstWhenItIsRetried) {
  for (const auto* id : {"a1", "a2"}) emit("a", id);
  auto r = relay();
  r.publisher->answer = answer_to("a1", Outcome::kRefused);
  r.relay->run_once();
  script(sql("UPDATE {kinbox}.outbox SET state = 'pending' WHERE state = 'refused'"));
  r.publisher->answer = answer_to("", Outcome::kDelivered);
  EXPECT_EQ(r.relay->run_once(), 2U);
  EXPECT_THAT(values(*r.publisher), ElementsAre("a1", "a1", "a2"));
}

TEST_P(RelayEvents, BehindWhatWasDiscardedItsKeyGoesOn) {
  for (const auto* id : {"a1", "a2"}) emit("a", id);
  auto r = relay();
  r.publisher->answer = answer_to("a1", Outcome::kRefused);
  r.relay->run_once();
  script(sql("UPDATE {kinbox}.outbox SET state = 'discarded' WHERE state = 'refused'"));
  EXPECT_EQ(r.relay->run_once(), 1U);
  EXPECT_THAT(values(*r.publisher), ElementsAre("a1", "a2"));
}

TEST_P(RelayEvents, AKeyWithManyRowsDoesNotKeepTheOthersFromBeingRead) {
  for (int i = 0; i < 6; ++i) emit("hot", "h" + std::to_string(i));
  emit("b", "b1");
  auto r = relay({.lease = milliseconds{150}, .batch = 4});
  // Nothing of the hot key is answered: it stays in hand.
  r.publisher->answer = [](const auto& entry) -> std::optional<Delivery> {
    if (entry.record.key == "hot") return std::nullopt;
    return Delivery{.ticket = entry.ticket};
  };
  EXPECT_EQ(r.relay->run_once(), 0U);
  EXPECT_EQ(r.relay->run_once(), 1U);
  EXPECT_THAT(values(*r.publisher), ElementsAre("h0", "b1"));
}

TEST_P(RelayEvents, ATopicThatDoesNotAnswerDoesNotKeepTheOthersFromBeingRead) {
  for (const auto* id : {"1", "2", "3", "4"}) emit(id, id, "silent");
  emit("b", "b1", "payments");
  auto r = relay({.batch = 2, .idle_poll = milliseconds{50}});
  r.publisher->answer = [](const auto& entry) -> std::optional<Delivery> {
    if (entry.record.topic == "silent") return std::nullopt;
    return Delivery{.ticket = entry.ticket};
  };
  std::jthread loop([&](std::stop_token stop) { r.relay->run(std::move(stop)); });
  await_relayed(1);
  loop.request_stop();
  loop.join();
  EXPECT_THAT(values(*r.publisher), ElementsAre("1", "2", "b1"));
}

TEST_P(RelayEvents, ATopicThatFailedIsTriedAgainWithOneRow) {
  for (const auto* id : {"1", "2", "3"}) emit(id, id);
  auto r = relay({.idle_poll = milliseconds{20}});
  std::atomic<int> answered = 0;
  r.publisher->answer = [&](const auto& entry) {
    return Delivery{.ticket = entry.ticket,
                    .outcome = answered++ < 4 ? Outcome::kRetry : Outcome::kDelivered,
                    .error = "away"};
  };
  std::jthread loop([&](std::stop_token stop) { r.relay->run(std::move(stop)); });
  await_relayed(3);
  loop.request_stop();
  loop.join();
  // All, one that fails, one that arrives, the others.
  const auto all = values(*r.publisher);
  ASSERT_THAT(all, SizeIs(7));
  EXPECT_EQ(all[3], "1");
  EXPECT_EQ(all[4], "1");
  EXPECT_THAT(states(), ElementsAre("sent", "sent", "sent"));
}

TEST_P(RelayEvents, AnswersThatCouldNotBeWrittenDownAreKeptForLater) {
  emit("a", "a1");
  int commits = 0;
  auto r = relay({}, [&](FaultPoint point) {
    if (point == FaultPoint::kBeforeCommit && ++commits == 2)
      throw InfrastructureError("away for a moment");
  });
  EXPECT_THROW(r.relay->run_once(), InfrastructureError);
  EXPECT_THAT(states(), ElementsAre("pending"));
  EXPECT_EQ(r.relay->run_once(), 1U);
  EXPECT_THAT(states(), ElementsAre("sent"));
  EXPECT_THAT(r.publisher->published, SizeIs(1));
}

TEST_P(RelayEvents, WhoeverEmittedInTheProcessMayWakeTheRelay) {
  auto r = relay(kNeverByItself);
  std::jthread loop([&](std::stop_token stop) { r.relay->run(std::move(stop)); });
  for (int i = 0; i < 5; ++i) {
    emit("a", std::to_string(i));
    r.relay->wake();
    await_relayed(static_cast<std::size_t>(i) + 1);
  }
}

TEST_P(RelayEvents, SentRowsAreDeletedAfterTheirTimeAFewAtOnce) {
  for (const auto* id : {"1", "2", "3", "4", "5", "6"}) emit(id, id);
  const auto then = is_sqlite() ? "'2020-01-01T00:00:00.000Z'" : "now() - interval '8 days'";
  script(sql(std::string("UPDATE {kinbox}.outbox SET state = 'sent', sent_at = ") + then +
             " WHERE message_id <> '6'"));
  script(sql("UPDATE {kinbox}.outbox SET state = 'refused' WHERE message_id = '1'"));
  script(sql("UPDATE {kinbox}.outbox SET sent_at = {now} WHERE message_id = '3'"));
  auto r = relay({.retention = std::chrono::days{7}, .prune_batch = 3});
  EXPECT_EQ(r.relay->prune(), 2U);
  EXPECT_EQ(r.relay->prune(), 1U);
  EXPECT_EQ(r.relay->prune(), 0U);
  EXPECT_THAT(texts("SELECT message_id FROM {kinbox}.outbox ORDER BY id"),
              ElementsAre("1", "3", "6"));
}

TEST_P(RelayEvents, TheLoopDeletesWhatIsOldByItself) {
  emit("a", "a1");
  auto r = relay(
      {.idle_poll = milliseconds{1}, .retention = milliseconds{0}, .prune_every = milliseconds{1}});
  std::jthread loop([&](std::stop_token stop) { r.relay->run(std::move(stop)); });
  while (number(sql("SELECT count(*) FROM {kinbox}.outbox")) > 0) std::this_thread::yield();
}

/// Answers those who wait for long.
class SlowPublisher : public Publisher {
 public:
  void publish(std::uint64_t ticket, const OwnedRecord&) override {
    tickets_.push_back(ticket);
    ++published;
  }
  std::vector<Delivery> wait(milliseconds timeout) override {
    std::vector<Delivery> deliveries;
    if (timeout > milliseconds{100})
      for (const auto ticket : std::exchange(tickets_, {})) deliveries.push_back({ticket});
    return deliveries;
  }

  std::atomic<int> published = 0;

 private:
  std::vector<std::uint64_t> tickets_;
};

TEST_P(RelayEvents, WhatIsAnsweredWhileTheRelayEndsIsWrittenDown) {
  emit("a", "a1");
  emit("a", "a2");
  auto publisher = std::make_unique<SlowPublisher>();
  const auto& published = publisher->published;
  OutboxRelay ending(connect(), std::move(publisher), {}, observer);
  std::jthread loop([&](std::stop_token stop) { ending.run(std::move(stop)); });
  while (published == 0) std::this_thread::yield();
  loop.request_stop();
  loop.join();
  EXPECT_THAT(states(), ElementsAre("sent", "pending"));
  EXPECT_EQ(published, 1);
}

TEST_P(RelayEvents, ARelayWhoseLeaseRanOutPublishesNothingMore) {
  for (const auto* id : {"a1", "a2"}) emit("a", id);
  auto r = relay({.lease = milliseconds{60}});
  r.publisher->answer = [&](const auto& entry) {
    // The answer takes longer than the lease.
    const auto until = std::chrono::steady_clock::now() + milliseconds{80};
    while (std::chrono::steady_clock::now() < until) std::this_thread::yield();
    return Delivery{.ticket = entry.ticket};
  };
  EXPECT_EQ(r.relay->run_once(), 1U);
  EXPECT_THAT(values(*r.publisher), ElementsAre("a1"));
  EXPECT_THAT(states(), ElementsAre("sent", "pending"));
}

/// What needs two writers at once, or a server that tells.
class RelayOnPostgres : public RelayEvents {};
KINBOX_FOR_POSTGRES(RelayOnPostgres);

TEST_P(RelayOnPostgres, RowsThatCommitLateAreNotSkipped) {
  const auto slow_connection = connect();
  const auto slow = slow_connection->begin();
  emit(*slow, "a", "late");
  slow->flush();
  emit("b", "early");
  ASSERT_THAT(texts("SELECT message_id FROM {kinbox}.outbox"), ElementsAre("early"));
  auto r = relay();
  EXPECT_EQ(r.relay->run_once(), 1U);
  EXPECT_EQ(r.relay->run_once(), 0U);
  slow->commit();
  EXPECT_EQ(r.relay->run_once(), 1U);
  EXPECT_THAT(values(*r.publisher), ElementsAre("early", "late"));
  // It has the smaller id: who remembered the largest one would never have seen it.
  EXPECT_THAT(texts("SELECT message_id FROM {kinbox}.outbox ORDER BY id"),
              ElementsAre("late", "early"));
}

TEST_P(RelayOnPostgres, ACommitElsewhereWakesTheRelay) {
  auto r = relay(kNeverByItself);
  std::jthread loop([&](std::stop_token stop) { r.relay->run(std::move(stop)); });
  for (int i = 0; i < 5; ++i) {
    emit("a", std::to_string(i));
    await_relayed(static_cast<std::size_t>(i) + 1);
  }
}

TEST_P(RelayOnPostgres, ABatchOfAConsumerWakesTheRelay) {
  handle = [this](const Event& event, Transaction& tx) { emit(tx, "k", event.id()); };
  auto r = relay(kNeverByItself);
  std::jthread loop([&](std::stop_token stop) { r.relay->run(std::move(stop)); });
  for (std::size_t i = 0; i < 3; ++i) {
    send(p0, "e-" + std::to_string(i));
    run_until_idle({p0});
    await_relayed(i + 1);
  }
}

TEST_P(RelayOnPostgres, OnlyATransactionThatEmittedTellsAndOnce) {
  const auto quiet = database().begin();
  quiet->query("SELECT 1");
  quiet->commit();
  EXPECT_EQ(quiet->last_statement(), 1);
  const auto tx = database().begin();
  for (const auto* id : {"1", "2", "3"}) emit(*tx, "a", id);
  tx->commit();
  EXPECT_EQ(tx->last_statement(), 4);
}

TEST_P(RelayOnPostgres, WhoeverBeginsToListenLooksFirst) {
  emit("a", "before");
  const auto listener = connect();
  EXPECT_TRUE(listener->wait_for_outbox(-1, milliseconds{0}));
  EXPECT_FALSE(listener->wait_for_outbox(-1, milliseconds{0}));
}

TEST_P(RelayOnPostgres, AnotherSchemasRowsWakeNobodyHere) {
  const auto listener = connect();
  listener->wait_for_outbox(-1, milliseconds{0});
  script("SELECT pg_notify('kinbox_outbox', 'another schema')");
  emit("a", "1");
  const auto told = [&] { return listener->wait_for_outbox(-1, std::chrono::seconds{30}); };
  // What is not about us may end the wait, but says nothing.
  while (!told()) continue;
  EXPECT_FALSE(listener->wait_for_outbox(-1, milliseconds{0}));
}

TEST_P(RelayOnPostgres, AConnectionThatBreaksWhileItListensIsAnOutage) {
  const auto listener = connect();
  listener->wait_for_outbox(-1, milliseconds{0});
  script("SELECT pg_terminate_backend(" + listener->session() + ")");
  EXPECT_THROW(
      {
        while (true) listener->wait_for_outbox(-1, std::chrono::seconds{30});
      },
      InfrastructureError);
  EXPECT_TRUE(listener->wait_for_outbox(-1, milliseconds{0})) << "a new connection listens anew";
}

}  // namespace
}  // namespace kinbox::testing

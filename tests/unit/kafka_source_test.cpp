#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <stdexcept>
#include <thread>

#include "kinbox/errors.hpp"
#include "kinbox/kafka/source.hpp"
#include "support/kafka.hpp"
#include "support/mock_kafka.hpp"

namespace kinbox::kafka {
namespace {

using namespace std::chrono_literals;
using namespace kinbox::testing;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using ::testing::UnorderedElementsAre;

class KafkaSourceTest : public MockKafkaTest {};

TEST_F(KafkaSourceTest, BringsRecordsFromWhereTheListenerSays) {
  produce(numbered_records(kTopic, 0, 5));
  RecordingListener listener([](const TopicPartition&) { return 3; });
  auto source = subscribed(listener);
  const auto records = poll_records(*source, 2);
  EXPECT_THAT(offsets_of(records), ElementsAre(3, 4));
  EXPECT_EQ(records[0].value, "v3");
  EXPECT_EQ(records[0].key, "k3");
  EXPECT_THAT(listener.owned(), UnorderedElementsAre(kP0, kP1));
  source->close(soon());
  EXPECT_THAT(listener.owned(), IsEmpty());
  EXPECT_THAT(listener.revocations(), ElementsAre(Revocation::kOrderly));
  EXPECT_EQ(observer_.all_text(), "");
}

TEST_F(KafkaSourceTest, NullIsNotEmptyAndHeadersKeepTheirOrder) {
  auto null = text_record(kTopic, 0, "");
  null.key.reset();
  null.value.reset();
  auto empty = text_record(kTopic, 0, "");
  empty.key = "";
  empty.timestamp = Timestamp(1'700'000'000'123ms);
  empty.headers = {{"a", "1"}, {"b", std::nullopt}, {"a", ""}, {"a", "2"}};
  produce({null, empty});
  auto source = subscribed();
  const auto records = poll_records(*source, 2);
  EXPECT_EQ(records[0].key, std::nullopt);
  EXPECT_EQ(records[0].value, std::nullopt);
  EXPECT_THAT(records[0].headers, IsEmpty());
  empty.offset = 1;
  EXPECT_EQ(records[1], empty);
}

TEST_F(KafkaSourceTest, ABatchEndsAtItsNumberOfRecords) {
  produce(numbered_records(kTopic, 0, 10));
  auto source = subscribed();
  std::vector<Offset> offsets;
  poll_until(
      *source,
      [&](const Polled& polled) {
        EXPECT_LE(polled.records.size(), 4U);
        for (const auto& record : polled.records) offsets.push_back(record.offset());
      },
      [&] { return offsets.size() == 10; }, {.max_records = 4, .max_wait = 20ms});
  EXPECT_THAT(offsets, ElementsAre(0, 1, 2, 3, 4, 5, 6, 7, 8, 9));
}

TEST_F(KafkaSourceTest, ABatchEndsBeforeItsBytesAndALargeRecordComesAlone) {
  std::vector<OwnedRecord> records;
  for (const std::size_t size : {40, 40, 300, 40})
    records.push_back(text_record(kTopic, 0, std::string(size, 'x')));
  // In one request, so that one answer brings them.
  kinbox::testing::produce(cluster_.bootstrap_servers(), records, {{"linger.ms", "1000"}});
  auto source = subscribed();
  std::vector<std::vector<Offset>> batches;
  poll_until(
      *source,
      [&](const Polled& polled) {
        auto& batch = batches.emplace_back();
        for (const auto& record : polled.records) batch.push_back(record.offset());
        if (batch.empty()) batches.pop_back();
      },
      [&] { return !batches.empty() && batches.back().back() == 3; },
      {.max_bytes = 100, .max_wait = 200ms});
  EXPECT_THAT(batches, ElementsAre(ElementsAre(0, 1), ElementsAre(2), ElementsAre(3)));
}

TEST_F(KafkaSourceTest, ARecordThatDidNotFitSurvivesAPause) {
  produce(numbered_records(kTopic, 0, 3));
  auto source = subscribed();
  const PollBudget one_by_bytes{.max_bytes = 6, .max_wait = 20ms};
  EXPECT_THAT(offsets_of(poll_records(*source, 1, one_by_bytes)), ElementsAre(0));
  source->pause(kP0);
  EXPECT_THAT(source->poll(one_by_bytes).records, IsEmpty());
  source->resume(kP0);
  EXPECT_THAT(offsets_of(poll_records(*source, 2, one_by_bytes)), ElementsAre(1, 2));
}

TEST_F(KafkaSourceTest, ARecordThatWaitsOutAPauseHoldsNothingOfTheLibrary) {
  produce(numbered_records(kTopic, 0, 2));
  auto source = subscribed();
  const PollBudget one_by_bytes{.max_bytes = 6, .max_wait = 20ms};
  poll_records(*source, 1, one_by_bytes);
  source->pause(kP0);
  source->resume(kP0);
  auto polled = source->poll(one_by_bytes);
  ASSERT_THAT(polled.records, SizeIs(1));
  source->close(soon());
  EXPECT_EQ(observer_.all_text(), "");
  EXPECT_EQ(as_text(*polled.records[0].value()), "v1");
}

TEST_F(KafkaSourceTest, NothingOvertakesARecordThatDoesNotFitAgain) {
  const PollBudget two_small{.max_bytes = 150, .max_wait = 20ms};
  const auto large = [&](int partition) {
    return text_record(kTopic, partition, std::string(100, 'x'));
  };
  const auto small = [&](int partition) { return text_record(kTopic, partition, "v"); };
  auto source = subscribed();
  await_assignment(*source);
  source->pause(kP1);
  produce({small(0), large(0), large(0)});
  poll_records(*source, 2, two_small);  // the third is carried over
  source->pause(kP0);
  source->resume(kP1);
  produce({small(1), large(1), large(1), small(1)});
  poll_records(*source, 2, two_small);  // likewise
  source->resume(kP0);
  // Both carried records do not fit together, the small one behind the second would.
  std::vector<OwnedRecord> records = poll_records(*source, 3, two_small);
  std::vector<Offset> of_second;
  for (const auto& record : records)
    if (record.partition == 1) of_second.push_back(record.offset);
  EXPECT_THAT(of_second, ElementsAre(2, 3));
}

TEST_F(KafkaSourceTest, ARecordThatDidNotFitIsForgottenWhenItsPartitionStartsElsewhere) {
  produce(numbered_records(kTopic, 0, 5));
  auto source = subscribed();
  EXPECT_THAT(offsets_of(poll_records(*source, 1, {.max_bytes = 6, .max_wait = 20ms})),
              ElementsAre(0));
  source->start_at(kP0, 4);
  EXPECT_THAT(offsets_of(poll_records(*source, 1)), ElementsAre(4));
}

TEST_F(KafkaSourceTest, ResumeGoesOnBehindTheLastDelivered) {
  produce(numbered_records(kTopic, 0, 6));
  auto source = subscribed();
  EXPECT_THAT(offsets_of(poll_records(*source, 2, {.max_records = 2, .max_wait = 20ms})),
              ElementsAre(0, 1));
  source->pause(kP0);
  source->pause(kP0);
  for (int i = 0; i < 5; ++i) EXPECT_THAT(source->poll(kSmallWait).records, IsEmpty());
  source->resume(kP0);
  EXPECT_THAT(offsets_of(poll_records(*source, 3, {.max_records = 3, .max_wait = 20ms})),
              ElementsAre(2, 3, 4));
  source->resume(kP0);  // not paused
  EXPECT_THAT(offsets_of(poll_records(*source, 1)), ElementsAre(5));
}

TEST_F(KafkaSourceTest, APausedPartitionDoesNotHoldUpTheOthers) {
  auto source = subscribed();
  await_assignment(*source);
  source->pause(kP0);
  produce(numbered_records(kTopic, 0, 3));
  produce(numbered_records(kTopic, 1, 3));
  for (const auto& record : poll_records(*source, 3)) EXPECT_EQ(record.partition, 1);
  source->resume(kP0);
  for (const auto& record : poll_records(*source, 3)) EXPECT_EQ(record.partition, 0);
}

TEST_F(KafkaSourceTest, TheEndOfAPartitionIsKnownUntilMoreComes) {
  auto source = subscribed();
  const auto both_ended = [&] { return source->at_end(kP0) && source->at_end(kP1); };
  poll_until(
      *source, [](const Polled&) {}, both_ended);
  produce(numbered_records(kTopic, 0, 2));
  poll_records(*source, 1, {.max_records = 1, .max_wait = 20ms});
  EXPECT_FALSE(source->at_end(kP0));
  EXPECT_TRUE(source->at_end(kP1));
  poll_until(
      *source, [](const Polled&) {}, both_ended);
  source->start_at(kP0, 0);
  EXPECT_FALSE(source->at_end(kP0));
  poll_records(*source, 2);
  poll_until(
      *source, [](const Polled&) {}, both_ended);
  source->pause(kP1);
  source->resume(kP1);
  EXPECT_FALSE(source->at_end(kP1));
  poll_until(
      *source, [](const Polled&) {}, both_ended);
}

TEST_F(KafkaSourceTest, WhatAListenerThrowsComesOutOfPoll) {
  RecordingListener listener(
      [](const TopicPartition&) -> std::optional<Offset> { throw std::logic_error("no"); });
  auto source = subscribed(listener);
  const auto poll_for_ever = [&] {
    while (true) source->poll(kSmallWait);
  };
  EXPECT_THROW(poll_for_ever(), std::logic_error);
}

TEST_F(KafkaSourceTest, SayingNothingNewNeedsNoPartition) {
  auto source = subscribed();
  source->pause(kP0);
  source->resume(kP0);
  source->start_at(kP0, 7);
  EXPECT_FALSE(source->at_end(kP0));
}

TEST_F(KafkaSourceTest, AnswersQuestionsAboutTheLog) {
  produce(numbered_records(kTopic, 0, 5));
  auto source = make_source(options(), observer_);
  EXPECT_EQ(source->log_range(kP0).start, 0);
  EXPECT_EQ(source->log_range(kP0).end, 5);
  EXPECT_EQ(source->log_range(kP1).end, 0);
  EXPECT_THAT(source->cluster_id(), HasSubstr("mockCluster"));
  EXPECT_THROW(source->log_range({"orders", 7}), InfrastructureError);
}

TEST_F(KafkaSourceTest, AClusterThatNamesNoControllerHasNoTopicIds) {
  auto source = make_source(options(), observer_);
  source->cluster_id();  // what it says of its controller is known from now on
  EXPECT_EQ(source->topic_id(kTopic), "");
}

TEST_F(KafkaSourceTest, QuestionsToASilentBrokerEndInTime) {
  auto asked = options();
  asked.ask_timeout = 1s;
  auto source = make_source(asked, observer_);
  source->cluster_id();  // connected
  silence();
  const auto begin = std::chrono::steady_clock::now();
  EXPECT_THROW(source->log_range(kP0), InfrastructureError);
  EXPECT_THROW(source->offset_at(kP0, Timestamp(1ms)), InfrastructureError);
  EXPECT_THROW(source->told(kP0), InfrastructureError);
  EXPECT_LT(std::chrono::steady_clock::now() - begin, 4s);
  speak();
}

TEST_F(KafkaSourceTest, WithoutABrokerThereIsNoClusterId) {
  auto asked = options();
  asked.settings = Settings(fast_settings("127.0.0.1:1"));
  asked.ask_timeout = 200ms;
  auto source = make_source(asked, observer_);
  EXPECT_THROW(source->cluster_id(), InfrastructureError);
  poll_until(
      *source, [](const Polled&) {}, [&] { return observer_.was_told("Connection refused"); });
  // 2.14 leaves addresses that never answered out of this count.
  if (rd_kafka_version() < 0x020e00ff)
    poll_until(
        *source, [](const Polled&) {}, [&] { return observer_.was_told("1/1 brokers are down"); });
  EXPECT_FALSE(observer_.was_told("FAIL")) << "said twice: " << observer_.all_text();
}

TEST_F(KafkaSourceTest, AClosedSourceRefusesEverything) {
  auto source = subscribed();
  source->close(soon());
  source->close(soon());
  EXPECT_THROW(source->poll(kSmallWait), ConfigurationError);
  EXPECT_THROW(source->told(kP0), ConfigurationError);
  EXPECT_THROW(source->tell({}), ConfigurationError);
}

TEST_F(KafkaSourceTest, ATopicNobodyCanReadIsNamedOnce) {
  auto asked = options();
  asked.topics = {kTopic, "missing", "forbidden"};
  set_topic_error("missing", RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART);
  set_topic_error("forbidden", RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED);
  produce(numbered_records(kTopic, 0, 1));
  auto source = make_source(asked, observer_);
  source->subscribe(listener_);
  EXPECT_THAT(poll_records(*source, 1), SizeIs(1));
  poll_until(
      *source, [](const Polled&) {},
      [&] { return observer_.was_told("forbidden") && observer_.was_told("missing"); });
  EXPECT_TRUE(observer_.was_told("3 topic \"missing\" does not exist on this cluster; create it"));
  EXPECT_TRUE(observer_.was_told("3 topic \"forbidden\": this user may not use it; grant it READ"));
}

TEST_F(KafkaSourceTest, TheSameErrorOfATopicIsSaidOnceAMinute) {
  auto source = subscribed();
  await_assignment(*source);
  push_error(kFetch, RD_KAFKA_RESP_ERR_INVALID_MSG_SIZE, 4);
  produce(numbered_records(kTopic, 0, 1));
  EXPECT_THAT(poll_records(*source, 1), SizeIs(1));
  EXPECT_THAT(observer_.messages(), SizeIs(1)) << observer_.all_text();
}

TEST_F(KafkaSourceTest, AFencedMemberCannotGoOn) {
  auto asked = options({{"group.instance.id", "one"}});
  auto source = make_source(asked, observer_);
  source->subscribe(listener_);
  await_assignment(*source);
  push_error(kHeartbeat, RD_KAFKA_RESP_ERR_FENCED_INSTANCE_ID);
  const auto poll_for_ever = [&] {
    while (true) source->poll(kSmallWait);
  };
  EXPECT_THROW(poll_for_ever(), FatalSourceError);
  source->close(soon());
  EXPECT_THAT(listener_.owned(), IsEmpty());
  EXPECT_THAT(listener_.revocations(), ElementsAre(Revocation::kLost));
}

TEST_F(KafkaSourceTest, LogLinesArriveOnTheThreadThatPolls) {
  class ThreadObserver : public Observer {
   public:
    void on_notice(const Notice&) override { threads.insert(std::this_thread::get_id()); }
    std::set<std::thread::id> threads;
  } observer;
  auto source = make_source(options({{"debug", "cgrp"}}), observer);
  source->subscribe(listener_);
  await_assignment(*source);
  EXPECT_THAT(observer.threads, ElementsAre(std::this_thread::get_id()));
}

}  // namespace
}  // namespace kinbox::kafka

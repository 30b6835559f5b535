#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "kinbox/kafka/publisher.hpp"
#include "support/kafka.hpp"
#include "support/mock_kafka.hpp"

namespace kinbox::kafka {
namespace {

using namespace std::chrono_literals;
using namespace kinbox::testing;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using Clock = std::chrono::steady_clock;
using Outcome = Delivery::Outcome;

class KafkaPublisherTest : public MockKafkaTest {
 protected:
  std::unique_ptr<Publisher> publisher(std::map<std::string, std::string> more = {},
                                       std::chrono::milliseconds close_timeout = 5s) {
    more.emplace("bootstrap.servers", cluster_.bootstrap_servers());
    return make_publisher({.settings = Settings(more), .close_timeout = close_timeout}, observer_);
  }

  /// Deliveries by ticket; fails when one comes twice.
  static std::map<std::uint64_t, Delivery> await(Publisher& publisher, std::size_t count) {
    std::map<std::uint64_t, Delivery> deliveries;
    const auto limit = Clock::now() + 20s;
    while (deliveries.size() < count && Clock::now() < limit)
      for (auto& delivery : publisher.wait(100ms)) {
        const auto ticket = delivery.ticket;
        EXPECT_TRUE(deliveries.emplace(ticket, std::move(delivery)).second) << "reported twice";
      }
    EXPECT_EQ(deliveries.size(), count);
    EXPECT_THAT(publisher.wait(0ms), IsEmpty());
    return deliveries;
  }

  std::vector<OwnedRecord> records_in_topic(std::size_t count) {
    auto source = subscribed();
    auto records = poll_records(*source, count);
    for (const auto& more : source->poll({.max_wait = 200ms}).records)
      records.push_back(more.copy());
    return records;
  }
};

TEST_F(KafkaPublisherTest, ARecordArrivesByteForByte) {
  OwnedRecord record{.topic = kTopic,
                     .partition = 0,
                     .offset = 0,
                     .timestamp = Timestamp(1'700'000'000'123ms),
                     .key = std::string("k\0y", 3),
                     .value = "",
                     .headers = {{"a", "1"}, {"b", std::nullopt}, {"a", ""}}};
  auto null = record;
  null.value.reset();
  null.headers.clear();
  auto out = publisher();
  out->publish(7, record);
  out->publish(8, null);
  const auto deliveries = await(*out, 2);
  EXPECT_EQ(deliveries.at(7).outcome, Outcome::kDelivered) << deliveries.at(7).error;
  EXPECT_EQ(deliveries.at(8).outcome, Outcome::kDelivered);
  const auto records = records_in_topic(2);
  ASSERT_EQ(records.size(), 2U);
  record.partition = null.partition = records[0].partition;  // same key, same partition
  null.offset = 1;
  EXPECT_EQ(records[0], record);
  EXPECT_EQ(records[1], null);
}

TEST_F(KafkaPublisherTest, WithoutATimestampItIsNow) {
  auto out = publisher();
  out->publish(1, text_record(kTopic, 0, "v"));
  await(*out, 1);
  const auto records = records_in_topic(1);
  ASSERT_TRUE(records.at(0).timestamp.has_value());
  EXPECT_LT(std::chrono::system_clock::now() - *records[0].timestamp, 1min);
}

TEST_F(KafkaPublisherTest, WaitReturnsAtOnceWhenNothingIsUnderWay) {
  auto out = publisher();
  const auto begin = Clock::now();
  EXPECT_THAT(out->wait(10s), IsEmpty());
  EXPECT_LT(Clock::now() - begin, 5s);
}

TEST_F(KafkaPublisherTest, AMissingTopicIsTriedAgainLaterAndNamedSoon) {
  set_topic_error("missing", RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART);
  auto out = publisher();
  out->publish(1, text_record("missing", 0, "v"));
  out->publish(2, text_record(kTopic, 0, "v"));
  const auto deliveries = await(*out, 2);
  EXPECT_EQ(deliveries.at(1).outcome, Outcome::kRetry);
  EXPECT_THAT(deliveries.at(1).error, HasSubstr("topic \"missing\" does not exist"));
  EXPECT_EQ(deliveries.at(2).outcome, Outcome::kDelivered);
}

TEST_F(KafkaPublisherTest, ATopicThisUserMayNotSeeIsTriedAgainLater) {
  set_topic_error("forbidden", RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED);
  auto out = publisher({{"message.timeout.ms", "2000"}});
  out->publish(1, text_record("forbidden", 0, "v"));
  const auto delivery = await(*out, 1).at(1);
  EXPECT_EQ(delivery.outcome, Outcome::kRetry);
  EXPECT_THAT(delivery.error, HasSubstr("this user may not use it"));
}

TEST_F(KafkaPublisherTest, AUserWhoMayNotWriteIsTold) {
  push_error(kProduce, RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED);
  auto out = publisher();
  out->publish(1, text_record(kTopic, 0, "v"));
  const auto delivery = await(*out, 1).at(1);
  EXPECT_EQ(delivery.outcome, Outcome::kRetry);
  EXPECT_THAT(delivery.error, HasSubstr("grant it READ (consumers) or WRITE (dead letters)"));
}

TEST_F(KafkaPublisherTest, ABrokerThatIsAwayIsTriedAgainLater) {
  auto out = publisher({{"message.timeout.ms", "500"}});
  rd_kafka_mock_broker_set_down(cluster_.handle(), -1);
  out->publish(1, text_record(kTopic, 0, "v"));
  EXPECT_EQ(await(*out, 1).at(1).outcome, Outcome::kRetry);
  rd_kafka_mock_broker_set_up(cluster_.handle(), -1);
  out->publish(2, text_record(kTopic, 0, "v"));
  // The client waits a moment before it connects again.
  auto deliveries = await(*out, 1);
  for (std::uint64_t ticket = 3;
       deliveries.begin()->second.outcome != Outcome::kDelivered && ticket < 30; ++ticket) {
    out->publish(ticket, text_record(kTopic, 0, "v"));
    deliveries = await(*out, 1);
  }
  EXPECT_EQ(deliveries.begin()->second.outcome, Outcome::kDelivered);
}

TEST_F(KafkaPublisherTest, AnErrorThatPassesIsInvisible) {
  push_error(kProduce, RD_KAFKA_RESP_ERR_NOT_ENOUGH_REPLICAS, 2);
  auto out = publisher();
  out->publish(1, text_record(kTopic, 0, "v"));
  EXPECT_EQ(await(*out, 1).at(1).outcome, Outcome::kDelivered);
}

TEST_F(KafkaPublisherTest, ATooLargeRecordIsRefusedAndItsCompanyIsNot) {
  // A broker refuses the batch; alone, the first is too large still and the second is not.
  push_error(kProduce, RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE, 2);
  auto out = publisher({{"linger.ms", "100"}});
  out->publish(1, text_record(kTopic, 0, std::string(1000, 'x')));
  out->publish(2, text_record(kTopic, 0, "v"));
  const auto deliveries = await(*out, 2);
  EXPECT_EQ(deliveries.at(1).outcome, Outcome::kRefused);
  EXPECT_THAT(deliveries.at(1).error, HasSubstr("a record of 1001 bytes is larger"));
  EXPECT_EQ(deliveries.at(2).outcome, Outcome::kDelivered);
}

TEST_F(KafkaPublisherTest, ARecordThatIsSentAgainAloneIsTheSame) {
  push_error(kProduce, RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE);
  auto record = text_record(kTopic, 0, "v");
  record.headers = {{"a", "1"}, {"b", std::nullopt}, {"a", ""}};
  record.timestamp = Timestamp(1'700'000'000'123ms);
  auto out = publisher();
  out->publish(1, record);
  EXPECT_EQ(await(*out, 1).at(1).outcome, Outcome::kDelivered);
  const auto records = records_in_topic(1);
  record.partition = records.at(0).partition;
  EXPECT_EQ(records[0], record);
}

TEST_F(KafkaPublisherTest, ARecordLargerThanTheProducerTakesIsRefusedAtOnce) {
  auto out = publisher({{"message.max.bytes", "1000"}});
  out->publish(1, text_record(kTopic, 0, std::string(2000, 'x')));
  EXPECT_EQ(await(*out, 1).at(1).outcome, Outcome::kRefused);
}

TEST_F(KafkaPublisherTest, AnInvalidRecordIsRefusedAndItsCompanyIsNot) {
  // A broker refuses the batch; alone, the first is invalid still and the second is not.
  push_error(kProduce, RD_KAFKA_RESP_ERR_INVALID_RECORD, 2);
  auto out = publisher({{"linger.ms", "100"}});
  out->publish(1, text_record(kTopic, 0, "v"));
  out->publish(2, text_record(kTopic, 0, "w"));
  const auto deliveries = await(*out, 2);
  EXPECT_EQ(deliveries.at(1).outcome, Outcome::kRefused);
  EXPECT_EQ(deliveries.at(2).outcome, Outcome::kDelivered);
}

TEST_F(KafkaPublisherTest, AFullQueueIsWaitedForAndThenTriedAgainLater) {
  auto out = publisher({{"queue.buffering.max.messages", "2"}});
  silence();
  for (const std::uint64_t ticket : {1, 2, 3}) out->publish(ticket, text_record(kTopic, 0, "v"));
  const auto known = out->wait(0ms);
  ASSERT_EQ(known.size(), 1U);
  EXPECT_EQ(known[0].ticket, 3U);
  EXPECT_EQ(known[0].outcome, Outcome::kRetry);
  speak();
}

TEST_F(KafkaPublisherTest, AQueueThatWasFullTakesMoreWhenTheBrokerTook) {
  auto out = publisher({{"queue.buffering.max.messages", "2"}});
  for (std::uint64_t ticket = 0; ticket < 20; ++ticket)
    out->publish(ticket, text_record(kTopic, 0, "v"));
  for (const auto& [ticket, delivery] : await(*out, 20))
    EXPECT_EQ(delivery.outcome, Outcome::kDelivered) << ticket << " " << delivery.error;
}

TEST_F(KafkaPublisherTest, AFatalErrorEndsTheProducerAndNotThePublisher) {
  push_error(kProduce, RD_KAFKA_RESP_ERR_OUT_OF_ORDER_SEQUENCE_NUMBER);
  auto out = publisher();
  out->publish(1, text_record(kTopic, 0, "v"));
  out->publish(2, text_record(kTopic, 1, "v"));
  const auto deliveries = await(*out, 2);
  EXPECT_EQ(deliveries.at(1).outcome, Outcome::kRetry) << deliveries.at(1).error;
  out->publish(3, text_record(kTopic, 0, "v"));
  EXPECT_EQ(await(*out, 1).at(3).outcome, Outcome::kDelivered);
}

TEST_F(KafkaPublisherTest, ItEndsInTimeWhileTheBrokerIsSilent) {
  auto out = publisher({}, 500ms);
  out->publish(1, text_record(kTopic, 0, "v"));
  await(*out, 1);
  silence();
  out->publish(2, text_record(kTopic, 0, "v"));
  const auto begin = Clock::now();
  out.reset();
  EXPECT_LT(Clock::now() - begin, 5s);
  speak();
}

TEST_F(KafkaPublisherTest, WhatWasPublishedLeavesBeforeTheEnd) {
  auto out = publisher({{"linger.ms", "200"}});
  out->publish(1, text_record(kTopic, 0, "v"));
  out.reset();
  EXPECT_EQ(records_in_topic(1).size(), 1U);
}

}  // namespace
}  // namespace kinbox::kafka

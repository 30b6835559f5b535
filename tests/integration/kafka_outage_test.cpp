// The broker dies, or falls silent.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <librdkafka/rdkafka.h>

#include "kinbox/errors.hpp"
#include "kinbox/kafka/publisher.hpp"
#include "support/broker_kafka.hpp"
#include "support/eventually.hpp"
#include "support/group_member.hpp"

namespace kinbox::kafka {
namespace {

using namespace std::chrono_literals;
using namespace kinbox::testing;
using ::testing::IsEmpty;
using Clock = std::chrono::steady_clock;
using Outcome = Delivery::Outcome;

class KafkaOutage : public BrokerKafkaTest {};

TEST_F(KafkaOutage, AMemberGoesOnWhenTheBrokerIsBack) {
  create_topic(2);
  SharedPositions positions;
  GroupMember member(options(), messages_, positions);
  const auto poll_until_applied = [&](Offset count) {
    const auto limit = Clock::now() + 60s;
    while (positions.applied() < count && Clock::now() < limit) member.poll();
    EXPECT_EQ(positions.applied(), count);
  };
  for (const int number : {0, 1}) produce(numbered_records(topic_, number, 10));
  poll_until_applied(20);
  {
    auto outage = KafkaService::get().kill();
    const auto end = Clock::now() + 5s;  // longer than the session
    while (Clock::now() < end) member.poll();
  }
  for (const int number : {0, 1}) produce(numbered_records(topic_, number, 10));
  poll_until_applied(40);
  EXPECT_EQ(member.owned().size(), 2U);
  const PartitionOffset position{partition(0), 20};
  member.source().tell({&position, 1});
  EXPECT_TRUE(eventually([&] {
    member.poll();
    return member.source().told(partition(0)) == 20;
  }));
}

TEST_F(KafkaOutage, NothingTakesLongerThanItMayWhileTheBrokerIsSilent) {
  create_topic(1);
  auto asked = options();
  asked.ask_timeout = 500ms;
  auto source = make_source(asked, messages_);
  source->subscribe(listener_);
  poll_until(
      *source, [](const Polled&) {}, [&] { return listener_.owned().size() == 1; });
  auto outage = KafkaService::get().pause();
  const auto begin = Clock::now();
  EXPECT_THROW(source->log_range(partition(0)), InfrastructureError);
  EXPECT_THROW(source->offset_at(partition(0), Timestamp(1ms)), InfrastructureError);
  EXPECT_THROW(source->told(partition(0)), InfrastructureError);
#if RD_KAFKA_VERSION >= 0x020300ff
  EXPECT_THROW(source->topic_id(topic_), InfrastructureError);
#endif
  const PartitionOffset position{partition(0), 1};
  source->tell({&position, 1});
  source->poll(kSmallWait);
  EXPECT_LT(Clock::now() - begin, 6s);
  const auto closing = Clock::now();
  source->close(closing + 2s);
  EXPECT_LT(Clock::now() - closing, 5s);
  EXPECT_THAT(listener_.owned(), IsEmpty());
}

TEST_F(KafkaOutage, APublisherSaysSoAndDeliversWhenTheBrokerIsBack) {
  create_topic(1);
  auto out = make_publisher(
      {.settings = Settings({{"bootstrap.servers", brokers_}, {"message.timeout.ms", "8000"}})},
      messages_);
  const auto outcome_of = [&](std::uint64_t ticket) {
    out->publish(ticket, text_record(topic_, 0, "v"));
    const auto deliveries = out->wait(20s);
    return deliveries.empty() ? Outcome::kRefused : deliveries.front().outcome;
  };
  EXPECT_EQ(outcome_of(1), Outcome::kDelivered);
  auto outage = KafkaService::get().kill();
  EXPECT_EQ(outcome_of(2), Outcome::kRetry);
  outage.end();
  std::uint64_t ticket = 2;
  EXPECT_TRUE(eventually([&] { return outcome_of(++ticket) == Outcome::kDelivered; }, 60s));
}

}  // namespace
}  // namespace kinbox::kafka

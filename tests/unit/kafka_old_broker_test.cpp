// Brokers that do not know what kinbox asks of them.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "kinbox/kafka/publisher.hpp"
#include "support/kafka.hpp"
#include "support/mock_kafka.hpp"

namespace kinbox::kafka {
namespace {

using namespace std::chrono_literals;
using namespace kinbox::testing;
using ::testing::HasSubstr;
using ::testing::SizeIs;

class KafkaOldBroker : public MockKafkaTest {
 protected:
  enum Protocol : std::int16_t { kJoinGroup = 11, kInitProducerId = 22 };
  void does_not_know(Protocol request) {
    rd_kafka_mock_set_apiversion(cluster_.handle(), request, -1, -1);
  }
};

TEST_F(KafkaOldBroker, WithoutIdempotentProducersIsNamedAndTheRecordWaits) {
  does_not_know(kInitProducerId);
  auto out = make_publisher({.settings = Settings(fast_settings(cluster_.bootstrap_servers()))},
                            observer_);
  out->publish(1, text_record(kTopic, 0, "v"));
  const auto deliveries = out->wait(20s);
  ASSERT_THAT(deliveries, SizeIs(1));
  EXPECT_EQ(deliveries[0].outcome, Delivery::Outcome::kRetry);
  EXPECT_THAT(deliveries[0].error, HasSubstr("requires Apache Kafka broker version >= 0.11.0"));
}

TEST_F(KafkaOldBroker, WithoutGroupsIsNamed) {
  does_not_know(kJoinGroup);
  auto source = subscribed();
  poll_until(
      *source, [](const Polled&) {},
      [&] { return observer_.was_told("kinbox needs Kafka 0.11 or later"); });
  EXPECT_TRUE(observer_.was_told("JoinGroup failed")) << observer_.all_text();
}

}  // namespace
}  // namespace kinbox::kafka

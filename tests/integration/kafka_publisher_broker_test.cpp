#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "kinbox/kafka/publisher.hpp"
#include "support/broker_kafka.hpp"
#include "support/eventually.hpp"
#include "support/kafka.hpp"

namespace kinbox::kafka {
namespace {

using namespace std::chrono_literals;
using namespace kinbox::testing;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using Outcome = Delivery::Outcome;

class KafkaPublisherBrokerTest : public BrokerKafkaTest {
 protected:
  std::unique_ptr<Publisher> publisher(std::map<std::string, std::string> more = {}) {
    more.emplace("bootstrap.servers", brokers_);
    return make_publisher({.settings = Settings(more)}, messages_);
  }

  static std::map<std::uint64_t, Delivery> await(Publisher& publisher, std::size_t count) {
    std::map<std::uint64_t, Delivery> deliveries;
    const auto limit = std::chrono::steady_clock::now() + 20s;
    while (deliveries.size() < count && std::chrono::steady_clock::now() < limit)
      for (const auto& delivery : publisher.wait(100ms))
        EXPECT_TRUE(deliveries.emplace(delivery.ticket, delivery).second) << "reported twice";
    EXPECT_EQ(deliveries.size(), count);
    return deliveries;
  }
};

TEST_F(KafkaPublisherBrokerTest, ARecordArrivesByteForByteAndKeysStayTogether) {
  create_topic(3, {{"retention.ms", "-1"}});
  OwnedRecord record{.topic = topic_,
                     .partition = 0,
                     .offset = 0,
                     .timestamp = Timestamp(1'700'000'000'123ms),
                     .key = "buyer-1",
                     .value = "",
                     .headers = {{"a", "1"}, {"b", std::nullopt}, {"a", ""}}};
  auto out = publisher();
  for (std::uint64_t ticket = 0; ticket < 5; ++ticket) out->publish(ticket, record);
  for (const auto& [ticket, delivery] : await(*out, 5))
    EXPECT_EQ(delivery.outcome, Outcome::kDelivered) << delivery.error;
  auto source = subscribed();
  for (const auto& arrived : poll_records(*source, 5)) {
    record.partition = 2;  // murmur2("buyer-1") mod 3, as a Java producer places it
    EXPECT_EQ(arrived, record);
    ++record.offset;
  }
}

TEST_F(KafkaPublisherBrokerTest, AMissingTopicIsTriedAgainAndFoundLater) {
  auto out = publisher({{"topic.metadata.propagation.max.ms", "1000"},
                        {"topic.metadata.refresh.interval.ms", "500"}});
  out->publish(1, text_record(topic_, 0, "v"));
  const auto delivery = await(*out, 1).at(1);
  EXPECT_EQ(delivery.outcome, Outcome::kRetry);
  EXPECT_THAT(delivery.error, HasSubstr("topic \"" + topic_ + "\" does not exist"));
  create_topic(1);
  std::uint64_t ticket = 1;
  EXPECT_TRUE(eventually([&] {
    out->publish(++ticket, text_record(topic_, 0, "v"));
    return await(*out, 1).at(ticket).outcome == Outcome::kDelivered;
  }));
}

TEST_F(KafkaPublisherBrokerTest, OnlyTheRecordThatIsTooLargeForTheTopicIsRefused) {
  create_topic(1, {{"max.message.bytes", "10000"}});
  auto out = publisher({{"linger.ms", "100"}});
  for (std::uint64_t ticket = 0; ticket < 20; ++ticket)
    out->publish(ticket, text_record(topic_, 0, std::string(ticket == 7 ? 20'000 : 1'000, 'x')));
  for (const auto& [ticket, delivery] : await(*out, 20))
    EXPECT_EQ(delivery.outcome, ticket == 7 ? Outcome::kRefused : Outcome::kDelivered)
        << ticket << " " << delivery.error;
}

TEST_F(KafkaPublisherBrokerTest, OnlyTheRecordWithoutAKeyIsRefusedByACompactedTopic) {
  create_topic(1, {{"cleanup.policy", "compact"}});
  auto out = publisher({{"linger.ms", "100"}});
  for (std::uint64_t ticket = 0; ticket < 20; ++ticket) {
    auto record = text_record(topic_, 0, "v");
    record.key = "k";
    if (ticket == 7) record.key.reset();
    out->publish(ticket, record);
  }
  for (const auto& [ticket, delivery] : await(*out, 20))
    EXPECT_EQ(delivery.outcome, ticket == 7 ? Outcome::kRefused : Outcome::kDelivered)
        << ticket << " " << delivery.error;
}

}  // namespace
}  // namespace kinbox::kafka

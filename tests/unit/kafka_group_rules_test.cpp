#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <librdkafka/rdkafka.h>

#include "kafka/group_rules.hpp"
#include "kinbox/errors.hpp"
#include "kinbox/kafka/settings.hpp"
#include "kinbox/kafka/source.hpp"
#include "support/mock_kafka.hpp"

namespace kinbox::kafka {
namespace {

using namespace kinbox::testing;
using ::testing::AllOf;
using ::testing::HasSubstr;
using Values = std::map<std::string, std::string>;

constexpr int kDebian = 0x020002ff;
constexpr int kBefore = 0x020b01ff;
constexpr int kCurrent = 0x020c00ff;

/// "key: reason"; empty if nothing is refused.
std::string refusal(const Values& values, int version) {
  const auto refused = group_refusal(values, version);
  return refused ? refused->key + ": " + refused->reason : std::string();
}

TEST(KafkaGroupRules, TheBrokersAssignmentNeedsALibraryThatIsReadyForIt) {
  const Values values{{"group.protocol", "consumer"}};
  EXPECT_EQ(refusal(values, kCurrent), "");
  for (const int version : {kDebian, kBefore})
    EXPECT_THAT(
        refusal(values, version),
        AllOf(HasSubstr("group.protocol: "), HasSubstr("2.12 or later"), HasSubstr("remove it")));
  EXPECT_THAT(refusal(values, kDebian), HasSubstr("this is 2.0.2"));
  EXPECT_THAT(refusal(values, kBefore), HasSubstr("this is 2.11.1"));
}

TEST(KafkaGroupRules, TheClassicProtocolMayBeNamedWhereItHasAName) {
  const Values values{{"group.protocol", "classic"}};
  EXPECT_EQ(refusal(values, kCurrent), "");
  EXPECT_EQ(refusal(values, kBefore), "");
  EXPECT_THAT(refusal(values, kDebian), HasSubstr("classic protocol only: remove it"));
  // Wrong in every version: for librdkafka to say.
  EXPECT_EQ(refusal({{"group.protocol", "x"}}, kDebian), "");
}

TEST(KafkaGroupRules, WhatTheBrokerDecidesIsRefusedByNameWithThePlaceToSetIt) {
  const auto with = [](const char* key) {
    return refusal({{"group.protocol", "Consumer"}, {key, "1"}}, kCurrent);
  };
  EXPECT_THAT(with("session.timeout.ms"),
              AllOf(HasSubstr("session.timeout.ms: does not go with group.protocol: consumer"),
                    HasSubstr("group.consumer.session.timeout.ms"), HasSubstr("remove it")));
  EXPECT_THAT(with("heartbeat.interval.ms"), HasSubstr("group.consumer.heartbeat.interval.ms"));
  EXPECT_THAT(with("partition.assignment.strategy"), HasSubstr("group.remote.assignor"));
  EXPECT_THAT(with("group.protocol.type"), HasSubstr("remove it"));
  EXPECT_EQ(with("max.poll.interval.ms"), "");
  EXPECT_EQ(refusal({{"group.protocol", "classic"}, {"session.timeout.ms", "1"}}, kCurrent), "");
  EXPECT_EQ(refusal({{"session.timeout.ms", "1"}}, kDebian), "");
}

TEST(KafkaGroupRules, SettingsAreHeldToThemWithTheLibraryThatRuns) {
  const Values values{{"group.protocol", "consumer"}, {"session.timeout.ms", "6000"}};
  try {
    const Settings settings(values);
    FAIL() << "accepted";
  } catch (const ConfigurationError& e) {
    const auto expected = rd_kafka_version() < kCurrent
                              ? "kafka setting \"group.protocol\": consumer (KIP-848) needs"
                              : "kafka setting \"session.timeout.ms\": does not go with";
    EXPECT_THAT(e.what(), HasSubstr(expected));
  }
}

class KafkaStaticMember : public MockKafkaTest {
 protected:
  /// What the member that is fenced is told.
  std::string fenced(int number) {
    auto asked = options({{"group.instance.id", "one"}});
    asked.member = number;
    auto source = make_source(asked, observer_);
    source->subscribe(listener_);
    await_assignment(*source);
    push_error(kHeartbeat, RD_KAFKA_RESP_ERR_FENCED_INSTANCE_ID);
    try {
      while (true) source->poll(kSmallWait);
    } catch (const FatalSourceError& e) {
      return e.what();
    }
  }
};

TEST_F(KafkaStaticMember, OneAloneKeepsItsIdAndIsToldWhenAnotherHasIt) {
  EXPECT_THAT(fenced(0), AllOf(HasSubstr("group.instance.id \"one\" belongs to another member of "
                                         "group \"g\" now"),
                               HasSubstr("give every process an id of its own")));
}

TEST_F(KafkaStaticMember, SeveralOfOneProcessHaveIdsOfTheirOwn) {
  EXPECT_THAT(fenced(2), HasSubstr("group.instance.id \"one-2\""));
}

}  // namespace
}  // namespace kinbox::kafka

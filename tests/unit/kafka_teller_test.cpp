// What the group's coordinator is told, and when.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/kafka.hpp"
#include "support/mock_kafka.hpp"

namespace kinbox::kafka {
namespace {

using namespace std::chrono_literals;
using namespace kinbox::testing;
using ::testing::IsEmpty;

class KafkaTellerTest : public MockKafkaTest {
 protected:
  void tell(Source& source, const TopicPartition& partition, Offset offset) {
    const PartitionOffset position{partition, offset};
    source.tell({&position, 1});
  }
  void poll_until_told(Source& source, const TopicPartition& partition, Offset offset) {
    poll_until(
        source, [](const Polled&) {}, [&] { return source.told(partition) == offset; });
  }
  static void poll_for(Source& source, std::chrono::milliseconds time) {
    const auto end = std::chrono::steady_clock::now() + time;
    poll_until(
        source, [](const Polled&) {}, [&] { return std::chrono::steady_clock::now() > end; });
  }

  /// The next commits succeed after `delay` each; `commits_until_now` counts them.
  void slow_commits(std::chrono::milliseconds delay) {
    for (int i = 0; i < kPrepared; ++i)
      rd_kafka_mock_broker_push_request_error_rtts(cluster_.handle(), 1, kOffsetCommit, 1,
                                                   RD_KAFKA_RESP_ERR_NO_ERROR,
                                                   static_cast<int>(delay.count()));
  }
  int commits_until_now() {
    std::size_t left = 0;
    rd_kafka_mock_broker_error_stack_cnt(cluster_.handle(), 1, kOffsetCommit, &left);
    return kPrepared - static_cast<int>(left);
  }

  static constexpr int kPrepared = 10;
};

TEST_F(KafkaTellerTest, WhatWasToldIsRememberedByTheCoordinator) {
  auto source = subscribed();
  await_assignment(*source);
  EXPECT_EQ(source->told(kP0), std::nullopt);
  tell(*source, kP0, 3);
  poll_until_told(*source, kP0, 3);
  EXPECT_EQ(source->told(kP1), std::nullopt);
}

TEST_F(KafkaTellerTest, OneCommitIsUnderWayAndTheNewestFollows) {
  auto source = subscribed();
  await_assignment(*source);
  slow_commits(300ms);
  for (Offset offset = 1; offset <= 5; ++offset) tell(*source, kP0, offset);
  tell(*source, kP1, 9);
  poll_until_told(*source, kP0, 5);
  EXPECT_EQ(source->told(kP1), 9);
  EXPECT_EQ(commits_until_now(), 2);
  tell(*source, kP0, 5);  // under way, or known already
  poll_for(*source, 100ms);
  EXPECT_EQ(commits_until_now(), 2);
}

TEST_F(KafkaTellerTest, NothingIsToldForPartitionsOfOthers) {
  cluster_.create_topic("other", 1);
  auto source = subscribed();
  await_assignment(*source);
  tell(*source, {"other", 0}, 3);
  tell(*source, kP0, 1);
  poll_until_told(*source, kP0, 1);
  EXPECT_EQ(source->told({"other", 0}), std::nullopt);
}

TEST_F(KafkaTellerTest, ARefusalIsADetailAndIsMadeGoodWithTheNextOccasion) {
  auto source = subscribed();
  await_assignment(*source);
  push_error(kOffsetCommit, RD_KAFKA_RESP_ERR_REBALANCE_IN_PROGRESS);
  tell(*source, kP0, 3);
  poll_until(
      *source, [](const Polled&) {}, [&] { return !observer_.messages().empty(); });
  EXPECT_EQ(observer_.messages().at(0).severity, 7);
  EXPECT_EQ(source->told(kP0), std::nullopt);
  tell(*source, kP1, 1);
  poll_until_told(*source, kP1, 1);
  EXPECT_EQ(source->told(kP0), 3);
}

TEST_F(KafkaTellerTest, ARefusalOfAnOlderPositionDoesNotReplaceTheNewerOne) {
  auto source = subscribed();
  await_assignment(*source);
  push_error(kOffsetCommit, RD_KAFKA_RESP_ERR_REBALANCE_IN_PROGRESS);
  tell(*source, kP0, 3);
  tell(*source, kP0, 8);
  poll_until_told(*source, kP0, 8);
}

TEST_F(KafkaTellerTest, WhatIsToldWhileLeavingArrives) {
  auto source = subscribed();
  await_assignment(*source);
  slow_commits(300ms);
  tell(*source, kP0, 1);  // under way, so that the other waits
  listener_.when_revoked = [&](std::span<const TopicPartition>, Revocation) {
    tell(*source, kP0, 7);
  };
  source->close(soon());
  EXPECT_EQ(make_source(options(), observer_)->told(kP0), 7);
}

TEST_F(KafkaTellerTest, APartitionThatCameBackIsToldAnew) {
  auto source = subscribed();
  await_assignment(*source);
  tell(*source, kP0, 5);
  poll_until_told(*source, kP0, 5);
  lose_assignment();  // others may have told something else meanwhile
  poll_until(
      *source, [](const Polled&) {}, [&] { return listener_.assignments() == 2; });
  slow_commits(0ms);
  tell(*source, kP0, 5);
  poll_for(*source, 100ms);
  EXPECT_EQ(commits_until_now(), 1);
}

TEST_F(KafkaTellerTest, NothingIsToldForALostPartition) {
  auto source = subscribed();
  await_assignment(*source);
  push_error(kOffsetCommit, RD_KAFKA_RESP_ERR_REBALANCE_IN_PROGRESS);
  tell(*source, kP0, 6);
  poll_until(
      *source, [](const Polled&) {}, [&] { return !observer_.messages().empty(); });
  // Now 6 waits for the next occasion, which must not be this one.
  lose_assignment();
  slow_commits(0ms);
  listener_.when_revoked = [&](std::span<const TopicPartition>, Revocation how) {
    EXPECT_EQ(how, Revocation::kLost);
    tell(*source, kP0, 7);
  };
  poll_until(
      *source, [](const Polled&) {}, [&] { return listener_.assignments() == 2; });
  poll_for(*source, 100ms);
  EXPECT_EQ(commits_until_now(), 0);
  listener_.when_revoked = {};
}

}  // namespace
}  // namespace kinbox::kafka

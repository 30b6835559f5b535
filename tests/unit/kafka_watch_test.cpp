// Partitions that fall silent: librdkafka is changed behind the source's back.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "kafka/kafka_source.hpp"
#include "support/kafka.hpp"
#include "support/mock_kafka.hpp"

namespace kinbox::kafka {
namespace {

using namespace std::chrono_literals;
using namespace kinbox::testing;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using Clock = std::chrono::steady_clock;

class KafkaWatch : public MockKafkaTest, public ::testing::WithParamInterface<const char*> {
 protected:
  void SetUp() override {
    auto asked = options({{"partition.assignment.strategy", GetParam()}});
    asked.stalled_after = kPatience;
    asked.ask_timeout = 300ms;
    source_ = std::make_unique<KafkaSource>(asked, observer_);
    source_->subscribe(listener_);
    await_assignment(*source_);
  }
  void TearDown() override { source_->close(soon()); }

  void pause_behind_its_back(const TopicPartition& partition) {
    rd_kafka_pause_partitions(source_->client(), list_of(partition).get());
  }

  /// Only `rest` stays in librdkafka's assignment.
  void unassign_behind_its_back(const TopicPartition& gone, const PartitionOffset& rest) {
    if (std::string(GetParam()) == "cooperative-sticky")
      ErrorHandle(rd_kafka_incremental_unassign(source_->client(), list_of(gone).get()));
    else
      rd_kafka_assign(source_->client(), list_of(rest.partition, rest.offset).get());
  }

  /// As long as several steps would take.
  void expect_peace() {
    for (const auto end = Clock::now() + 8 * kPatience; Clock::now() < end;)
      EXPECT_THAT(source_->poll(kSmallWait).records, IsEmpty());
    EXPECT_FALSE(observer_.was_told("delivers nothing")) << observer_.all_text();
  }

  static constexpr auto kPatience = 200ms;
  std::unique_ptr<KafkaSource> source_;
};

TEST_P(KafkaWatch, APartitionThatIsSilentIsFetchedAgainFromWhereItIs) {
  produce(numbered_records(kTopic, 0, 3));
  produce(numbered_records(kTopic, 1, 2));
  poll_records(*source_, 5);
  pause_behind_its_back(kP0);
  produce(numbered_records(kTopic, 0, 3, 3));
  EXPECT_THAT(offsets_of(poll_records(*source_, 3)), ElementsAre(3, 4, 5));
  EXPECT_EQ(observer_.all_text(),
            "4 orders/0 delivers nothing, although its log goes on from offset 3 to 6: fetching it "
            "again from there\n"
            "6 orders/0 is heard of again\n");
}

TEST_P(KafkaWatch, IfThatDoesNotHelpItIsAssignedAnewAndTheOthersGoOn) {
  produce(numbered_records(kTopic, 0, 3));
  produce(numbered_records(kTopic, 1, 2));
  poll_records(*source_, 5);
  unassign_behind_its_back(kP0, {kP1, 2});
  produce(numbered_records(kTopic, 0, 3, 3));
  EXPECT_THAT(offsets_of(poll_records(*source_, 3)), ElementsAre(3, 4, 5));
  EXPECT_TRUE(observer_.was_told("4 orders/0 delivers nothing")) << observer_.all_text();
  EXPECT_TRUE(
      observer_.was_told("from offset 3 to 6: fetching it again did not help; taking it out "
                         "of the client's assignment and back"))
      << observer_.all_text();
  EXPECT_FALSE(observer_.was_told("orders/1")) << observer_.all_text();
  produce(numbered_records(kTopic, 1, 1));
  EXPECT_THAT(offsets_of(poll_records(*source_, 1)), ElementsAre(2));
}

TEST_P(KafkaWatch, APartitionThatNeverBeganIsNoticedAsWell) {
  pause_behind_its_back(kP1);
  produce(numbered_records(kTopic, 1, 2));
  EXPECT_THAT(offsets_of(poll_records(*source_, 2)), ElementsAre(0, 1));
  EXPECT_TRUE(observer_.was_told("orders/1 delivers nothing")) << observer_.all_text();
}

TEST_P(KafkaWatch, WhatWePausedMayBeSilent) {
  source_->pause(kP0);
  produce(numbered_records(kTopic, 0, 3));
  expect_peace();
  source_->resume(kP0);
  poll_records(*source_, 3);
}

TEST_P(KafkaWatch, NothingIsDoneWhileTheBrokerIsSilentItself) {
  pause_behind_its_back(kP0);
  produce(numbered_records(kTopic, 0, 3));
  silence();
  expect_peace();
  speak();
}

INSTANTIATE_TEST_SUITE_P(Groups, KafkaWatch,
                         ::testing::Values("range,roundrobin", "cooperative-sticky"),
                         [](const auto& group) {
                           return std::string(group.param).find("range") == 0 ? "Eager"
                                                                              : "Cooperative";
                         });

}  // namespace
}  // namespace kinbox::kafka

// Where partitions start, and where they go on, in groups of both kinds.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/kafka.hpp"
#include "support/mock_kafka.hpp"

namespace kinbox::kafka {
namespace {

using namespace std::chrono_literals;
using namespace kinbox::testing;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using Clock = std::chrono::steady_clock;

class KafkaReposition : public MockKafkaTest, public ::testing::WithParamInterface<const char*> {
 protected:
  std::unique_ptr<Source> subscribed(AssignmentListener& listener) {
    return MockKafkaTest::subscribed(listener, {{"partition.assignment.strategy", GetParam()}});
  }
  std::unique_ptr<Source> subscribed() { return subscribed(listener_); }

  /// Polls until both partitions, or the one that is fetched, are read to their ends.
  static std::vector<OwnedRecord> read_to_end(Source& source, const TopicPartition& partition) {
    std::vector<OwnedRecord> records;
    poll_until(
        source,
        [&](const Polled& polled) {
          EXPECT_THAT(polled.out_of_range, IsEmpty());
          for (const auto& record : polled.records) records.push_back(record.copy());
        },
        [&] { return source.at_end(partition); });
    return records;
  }

  static std::vector<OutOfRange> await_out_of_range(Source& source) {
    std::vector<OutOfRange> reports;
    poll_until(
        source,
        [&](const Polled& polled) {
          reports.insert(reports.end(), polled.out_of_range.begin(), polled.out_of_range.end());
        },
        [&] { return !reports.empty(); });
    return reports;
  }
};

TEST_P(KafkaReposition, APartitionWithoutAStartIsKeptAndNotFetched) {
  produce(numbered_records(kTopic, 0, 3));
  produce(numbered_records(kTopic, 1, 3));
  RecordingListener listener([&](const TopicPartition& partition) -> std::optional<Offset> {
    if (partition == kP0) return std::nullopt;
    return 0;
  });
  auto source = subscribed(listener);
  for (const auto& record : read_to_end(*source, kP1)) EXPECT_EQ(record.partition, 1);
  EXPECT_FALSE(source->at_end(kP0));
  source->start_at(kP0, 1);
  const auto records = read_to_end(*source, kP0);
  EXPECT_THAT(offsets_of(records), ElementsAre(1, 2));
  source->close(soon());
  EXPECT_THAT(listener.owned(), IsEmpty());
  EXPECT_EQ(observer_.all_text(), "");
}

TEST_P(KafkaReposition, APartitionThatNeverStartedCanBeRevoked) {
  RecordingListener listener([](const TopicPartition&) { return std::nullopt; });
  auto source = subscribed(listener);
  poll_until(
      *source, [](const Polled&) {}, [&] { return listener.assignments() == 1; });
  lose_assignment();
  poll_until(
      *source, [](const Polled&) {}, [&] { return listener.assignments() == 2; });
  EXPECT_FALSE(observer_.was_told("unassign")) << observer_.all_text();
  source->close(soon());
  EXPECT_THAT(listener.revocations(), ElementsAre(Revocation::kLost, Revocation::kOrderly));
}

TEST_P(KafkaReposition, StartAtGoesBackAndForthAndLeavesTheOthersWhereTheyAre) {
  produce(numbered_records(kTopic, 0, 6));
  produce(numbered_records(kTopic, 1, 2));
  auto source = subscribed();
  poll_records(*source, 8);
  source->start_at(kP0, 4);
  EXPECT_THAT(offsets_of(read_to_end(*source, kP0)), ElementsAre(4, 5));
  source->start_at(kP0, 0);
  source->start_at(kP0, 2);  // the last word counts
  EXPECT_THAT(offsets_of(read_to_end(*source, kP0)), ElementsAre(2, 3, 4, 5));
  produce(numbered_records(kTopic, 1, 1));
  EXPECT_THAT(offsets_of(poll_records(*source, 1)), ElementsAre(2));
}

TEST_P(KafkaReposition, APauseSurvivesANewStart) {
  produce(numbered_records(kTopic, 0, 3));
  produce(numbered_records(kTopic, 1, 3));
  auto source = subscribed();
  poll_records(*source, 6);
  source->pause(kP0);
  source->start_at(kP0, 1);
  source->start_at(kP1, 1);
  EXPECT_THAT(offsets_of(read_to_end(*source, kP1)), ElementsAre(1, 2));
  source->start_at(kP1, 2);  // and the start of another
  EXPECT_THAT(offsets_of(read_to_end(*source, kP1)), ElementsAre(2));
  source->resume(kP0);
  EXPECT_THAT(offsets_of(read_to_end(*source, kP0)), ElementsAre(1, 2));
}

TEST_P(KafkaReposition, AnOffsetThatTheLogDoesNotHoldIsReportedOnceAndANewStartRecovers) {
  produce(numbered_records(kTopic, 0, 3));
  produce(numbered_records(kTopic, 1, 3));
  RecordingListener listener(
      [&](const TopicPartition& partition) { return partition == kP0 ? 1000 : 0; });
  auto source = subscribed(listener);
  const auto reports = await_out_of_range(*source);
  ASSERT_EQ(reports.size(), 1U);
  EXPECT_EQ(reports[0].partition, kP0);
  EXPECT_EQ(reports[0].asked, 1000);
  read_to_end(*source, kP1);
  // The stopped one stays out of it.
  source->start_at(kP1, 2);
  EXPECT_THAT(offsets_of(read_to_end(*source, kP1)), ElementsAre(2));
  // Longer than the backoff after an error.
  for (const auto end = Clock::now() + 1200ms; Clock::now() < end;)
    EXPECT_THAT(source->poll(kSmallWait).out_of_range, IsEmpty());
  source->start_at(kP0, 1);
  EXPECT_THAT(offsets_of(read_to_end(*source, kP0)), ElementsAre(1, 2));
  EXPECT_EQ(observer_.all_text(), "");
}

TEST_P(KafkaReposition, AListenerMayStartAndPauseWhileItIsAsked) {
  produce(numbered_records(kTopic, 0, 3));
  produce(numbered_records(kTopic, 1, 3));
  Source* asked = nullptr;
  RecordingListener listener([&](const TopicPartition& partition) -> std::optional<Offset> {
    if (partition == kP1) {
      asked->pause(partition);
      return 1;
    }
    asked->start_at(partition, 2);
    return std::nullopt;
  });
  auto source = subscribed(listener);
  asked = source.get();
  EXPECT_THAT(offsets_of(read_to_end(*source, kP0)), ElementsAre(2));
  source->resume(kP1);
  EXPECT_THAT(offsets_of(read_to_end(*source, kP1)), ElementsAre(1, 2));
}

INSTANTIATE_TEST_SUITE_P(Groups, KafkaReposition,
                         ::testing::Values("range,roundrobin", "cooperative-sticky"),
                         [](const auto& group) {
                           return std::string(group.param).find("range") == 0 ? "Eager"
                                                                              : "Cooperative";
                         });

}  // namespace
}  // namespace kinbox::kafka

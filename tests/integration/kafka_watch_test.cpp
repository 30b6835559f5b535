// Logs that go on and have nothing to deliver: the source must not take them for stalled.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <librdkafka/rdkafka.h>

#include "support/broker_kafka.hpp"

namespace kinbox::kafka {
namespace {

using namespace std::chrono_literals;
using namespace kinbox::testing;
using ::testing::ElementsAre;
using Clock = std::chrono::steady_clock;

class KafkaWatchTest : public BrokerKafkaTest {
 protected:
  static constexpr auto kPatience = 100ms;

  std::unique_ptr<Source> watched(Offset start = 0) {
    listener_ = RecordingListener([start](const TopicPartition&) { return start; });
    auto asked = options();
    asked.stalled_after = kPatience;
    auto source = make_source(asked, messages_);
    source->subscribe(listener_);
    return source;
  }

  /// To the end, and for as long as several steps would take.
  std::vector<OwnedRecord> read_in_peace(Source& source) {
    std::vector<OwnedRecord> records;
    std::optional<Clock::time_point> at_end_since;
    poll_until(
        source,
        [&](const Polled& polled) {
          for (const auto& record : polled.records) records.push_back(record.copy());
          if (!at_end_since && source.at_end(partition(0))) at_end_since = Clock::now();
        },
        [&] { return at_end_since && Clock::now() - *at_end_since > 10 * kPatience; });
    EXPECT_FALSE(messages_.was_told("delivers nothing")) << messages_.all_text();
    return records;
  }
};

TEST_F(KafkaWatchTest, RecordsOfAnOpenTransactionAreNotDue) {
  create_topic(1);
  produce(numbered_records(topic_, 0, 2));
  OpenKafkaTransaction transaction(brokers_, numbered_records(topic_, 0, 3, 2));
  produce(numbered_records(topic_, 0, 1, 5));
  auto source = watched();
  EXPECT_THAT(offsets_of(read_in_peace(*source)), ElementsAre(0, 1));
  transaction.end(true);
  EXPECT_THAT(offsets_of(read_in_peace(*source)), ElementsAre(2, 3, 4, 5));
}

TEST_F(KafkaWatchTest, MarkersAndAbortedRecordsAtTheEndAreNothing) {
  create_topic(1);
  produce_in_transaction(brokers_, numbered_records(topic_, 0, 2), true);
  auto source = watched();
  EXPECT_THAT(offsets_of(read_in_peace(*source)), ElementsAre(0, 1));
  produce_in_transaction(brokers_, numbered_records(topic_, 0, 2, 2), false);
  EXPECT_THAT(offsets_of(read_in_peace(*source)), ElementsAre());
}

TEST_F(KafkaWatchTest, AStartBehindTheLastRecordIsNoStall) {
  create_topic(1);
  produce_in_transaction(brokers_, numbered_records(topic_, 0, 2), true);
  auto source = watched(2);  // the marker's offset
  EXPECT_THAT(read_in_peace(*source), ElementsAre());
}

}  // namespace
}  // namespace kinbox::kafka

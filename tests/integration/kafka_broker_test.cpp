// What only a real broker can show of the Kafka source.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "kinbox/kafka/source.hpp"
#include "support/broker_kafka.hpp"
#include "support/kafka.hpp"

namespace kinbox::kafka {
namespace {

using namespace std::chrono_literals;
using namespace kinbox::testing;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class KafkaBrokerTest : public BrokerKafkaTest {
 protected:
  std::vector<OwnedRecord> read_to_end(Source& source) {
    std::vector<OwnedRecord> records;
    poll_until(
        source,
        [&](const Polled& polled) {
          for (const auto& record : polled.records) records.push_back(record.copy());
        },
        [&] { return source.at_end(partition(0)); });
    return records;
  }
};

TEST_F(KafkaBrokerTest, RecordsComeByteForByte) {
  create_topic(1, {{"max.message.bytes", "10000000"}, {"retention.ms", "-1"}});
  OwnedRecord plain{.topic = topic_,
                    .partition = 0,
                    .offset = 0,
                    .timestamp = Timestamp(1'700'000'000'123ms),
                    .key = std::string("k\0y", 3),
                    .value = "v",
                    .headers = {{"a", "1"}, {"b", std::nullopt}, {"a", ""}}};
  auto tombstone = plain;
  tombstone.offset = 1;
  tombstone.value.reset();
  tombstone.headers.clear();
  auto empty = plain;
  empty.offset = 2;
  empty.key.reset();
  empty.value = "";
  auto timeless = plain;
  timeless.offset = 3;
  timeless.timestamp = Timestamp(-1ms);
  auto large = plain;
  large.offset = 4;
  large.value = std::string(5'000'000, 'x');
  produce({plain, tombstone, empty, timeless, large});
  timeless.timestamp.reset();

  auto source = subscribed();
  const auto records = poll_records(*source, 5);
  EXPECT_EQ(records.at(0), plain);
  EXPECT_EQ(records.at(1), tombstone);
  EXPECT_EQ(records.at(2), empty);
  EXPECT_EQ(records.at(3), timeless);
  EXPECT_TRUE(records.at(4) == large);
  source->close(soon());
  EXPECT_EQ(messages_.all_text(), "");
}

TEST_F(KafkaBrokerTest, AbortedRecordsAndTransactionMarkersAreGaps) {
  create_topic(1);
  produce_in_transaction(brokers_, numbered_records(topic_, 0, 2), true);      // 0, 1, marker 2
  produce_in_transaction(brokers_, numbered_records(topic_, 0, 2, 2), false);  // 3, 4, marker 5
  produce_in_transaction(brokers_, numbered_records(topic_, 0, 1, 4), true);   // 6, marker 7
  auto source = subscribed();
  EXPECT_THAT(offsets_of(read_to_end(*source)), ElementsAre(0, 1, 6));
  EXPECT_EQ(source->log_range(partition(0)).end, 8);
  source->start_at(partition(0), 2);
  EXPECT_THAT(offsets_of(read_to_end(*source)), ElementsAre(6));
  source->start_at(partition(0), 7);
  EXPECT_THAT(read_to_end(*source), IsEmpty());
}

TEST_F(KafkaBrokerTest, WhatRetentionTookIsOutOfRangeAndNothingIsSkippedSilently) {
  create_topic(2);
  for (const int number : {0, 1}) produce(numbered_records(topic_, number, 10));
  const PartitionOffset before{partition(0), 6};
  admin_->delete_records({&before, 1});
  RecordingListener listener([](const TopicPartition&) { return 2; });
  auto source = subscribed(listener);
  std::vector<OutOfRange> reports;
  std::vector<OwnedRecord> records;
  poll_until(
      *source,
      [&](const Polled& polled) {
        reports.insert(reports.end(), polled.out_of_range.begin(), polled.out_of_range.end());
        for (const auto& record : polled.records) records.push_back(record.copy());
      },
      [&] { return !reports.empty() && source->at_end(partition(1)); });
  ASSERT_THAT(reports, SizeIs(1));
  EXPECT_EQ(reports[0].partition, partition(0));
  EXPECT_EQ(reports[0].asked, 2);
  for (const auto& record : records) EXPECT_EQ(record.partition, 1);
  EXPECT_EQ(source->log_range(partition(0)).start, 6);
  EXPECT_EQ(source->log_range(partition(0)).end, 10);
  source->start_at(partition(0), 6);
  EXPECT_THAT(offsets_of(read_to_end(*source)), ElementsAre(6, 7, 8, 9));
}

TEST_F(KafkaBrokerTest, APartitionAddedWhileRunningIsAssigned) {
  create_topic(1);
  auto source = subscribed();
  poll_until(
      *source, [](const Polled&) {}, [&] { return listener_.owned().size() == 1; });
  admin_->create_partitions(topic_, 3);
  poll_until(
      *source, [](const Polled&) {}, [&] { return listener_.owned().size() == 3; });
  produce(numbered_records(topic_, 2, 1));
  EXPECT_EQ(poll_records(*source, 1).at(0).partition, 2);
}

TEST_F(KafkaBrokerTest, ATopicThatAppearsLaterIsFound) {
  auto source = subscribed();
  poll_until(
      *source, [](const Polled&) {},
      [&] { return messages_.was_told("topic \"" + topic_ + "\" does not exist"); });
  create_topic(1);
  produce(numbered_records(topic_, 0, 1));
  EXPECT_THAT(poll_records(*source, 1), SizeIs(1));
}

TEST_F(KafkaBrokerTest, OffsetsAreFoundByTime) {
  create_topic(1, {{"retention.ms", "-1"}});
  std::vector<OwnedRecord> records = numbered_records(topic_, 0, 4);
  const Timestamp first(1'700'000'000'000ms);
  for (std::size_t i = 0; i < records.size(); ++i)
    records[i].timestamp = first + std::chrono::seconds(i);
  produce(records);
  auto source = make_source(options(), messages_);
  EXPECT_EQ(source->offset_at(partition(0), Timestamp(-5ms)), 0);
  EXPECT_EQ(source->offset_at(partition(0), first), 0);
  EXPECT_EQ(source->offset_at(partition(0), first + 1500ms), 2);
  EXPECT_EQ(source->offset_at(partition(0), first + 1h), 4);
  EXPECT_EQ(source->cluster_id(), KafkaService::get().cluster_id());
}

TEST_F(KafkaBrokerTest, WhatWasToldLastOutlivesTheMember) {
  create_topic(2);
  {
    auto source = subscribed();
    poll_until(
        *source, [](const Polled&) {}, [&] { return listener_.owned().size() == 2; });
    EXPECT_EQ(source->told(partition(0)), std::nullopt);
    for (Offset offset = 1; offset <= 50; ++offset) {
      const PartitionOffset positions[] = {{partition(0), offset}, {partition(1), 2 * offset}};
      source->tell(positions);
    }
    source->close(soon());
  }
  auto source = make_source(options(), messages_);
  EXPECT_EQ(source->told(partition(0)), 50);
  EXPECT_EQ(source->told(partition(1)), 100);
}

TEST_F(KafkaBrokerTest, CloseReturnsInTimeAfterATopicWasRecreated) {
  create_topic(1);
  produce(numbered_records(topic_, 0, 1));
  auto source = subscribed();
  poll_records(*source, 1);
  admin_->delete_topic(topic_);
  const auto recreate_at = std::chrono::steady_clock::now() + 3s;
  poll_until(
      *source, [](const Polled&) {},
      [&] { return std::chrono::steady_clock::now() > recreate_at; });
  create_topic(1);
  const auto end = std::chrono::steady_clock::now() + 2s;
  poll_until(
      *source, [](const Polled&) {}, [&] { return std::chrono::steady_clock::now() > end; });
  const auto begin = std::chrono::steady_clock::now();
  source->close(begin + 3s);
  EXPECT_LT(std::chrono::steady_clock::now() - begin, 6s);
}

}  // namespace
}  // namespace kinbox::kafka

#include <gmock/gmock.h>

#include "kinbox/errors.hpp"
#include "kinbox/kafka/log_reader.hpp"
#include "support/broker_kafka.hpp"
#include "support/eventually.hpp"

namespace kinbox::kafka {
namespace {

using kinbox::testing::numbered_records;
using kinbox::testing::produce_in_transaction;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::ThrowsMessage;

class KafkaLogReader : public kinbox::testing::BrokerKafkaTest {
 protected:
  Settings settings() const { return Settings(kinbox::testing::fast_settings(brokers_)); }

  /// Everything of the slices, `at_once` at a time, as "partition@offset".
  std::vector<std::string> read(LogReader& reader, const std::vector<LogSlice>& slices,
                                std::size_t at_once = 100) {
    std::vector<std::string> places;
    reader.start(slices);
    for (auto some = reader.next(at_once); !some.empty(); some = reader.next(at_once)) {
      EXPECT_LE(some.size(), at_once);
      for (const auto& record : some)
        places.push_back(std::to_string(record.partition()) + '@' +
                         std::to_string(record.offset()));
    }
    return places;
  }
};

TEST_F(KafkaLogReader, ReadsItsSlicesAndNothingElse) {
  create_topic(3);
  produce(numbered_records(topic_, 0, 5));
  produce(numbered_records(topic_, 2, 5));
  LogReader reader(settings());
  EXPECT_THAT(read(reader, {{partition(0), 1, 3}, {partition(1), 0, 9}, {partition(2), 4, 4}}),
              ElementsAre("0@1", "0@2"));
  EXPECT_THAT(read(reader, {{partition(2), 3, 99}}, 1), ElementsAre("2@3", "2@4"))
      << "the next start replaces the first, and the log's end ends a slice, too";
}

TEST_F(KafkaLogReader, ReadsOnePartitionAgainAndAgain) {
  create_topic(1);
  produce(numbered_records(topic_, 0, 5));
  LogReader reader(settings());
  for (const Offset offset : {3, 0, 4, 4})
    EXPECT_THAT(read(reader, {{partition(0), offset, offset + 1}}),
                ElementsAre("0@" + std::to_string(offset)));
  EXPECT_THAT(read(reader, {{partition(0), 0, 5}}), ElementsAre("0@0", "0@1", "0@2", "0@3", "0@4"));
}

TEST_F(KafkaLogReader, KnowsRangesAndTimes) {
  create_topic(2, {{"retention.ms", "-1"}});
  auto records = numbered_records(topic_, 1, 3);
  for (std::size_t i = 0; i < records.size(); ++i)
    records[i].timestamp = Timestamp{std::chrono::seconds{1'000 * (i + 1)}};
  produce(records);
  const std::vector before{PartitionOffset{partition(1), 1}};
  admin_->delete_records(before);
  LogReader reader(settings());
  const std::vector both{partition(0), partition(1)};
  const auto ranges = reader.ranges(both);
  EXPECT_EQ(ranges.at(partition(0)).end, 0);
  EXPECT_EQ(ranges.at(partition(1)).start, 1);
  EXPECT_EQ(ranges.at(partition(1)).end, 3);
  EXPECT_EQ(reader.offsets_at(both, Timestamp{std::chrono::seconds{2'001}}).at(partition(1)), 2);
  const auto beyond = reader.offsets_at(both, Timestamp{std::chrono::seconds{9'999}});
  EXPECT_EQ(beyond.at(partition(0)), 0);
  EXPECT_EQ(beyond.at(partition(1)), 3);
}

TEST_F(KafkaLogReader, AsksTheBrokerForTimesAndReadsNothingForThem) {
  create_topic(1, {{"retention.ms", "-1"}});
  auto records = numbered_records(topic_, 0, 3);
  for (std::size_t i = 0; i < records.size(); ++i)
    records[i].timestamp = Timestamp{std::chrono::seconds{1'000 * (i + 1)}};
  produce(records);
  LogReader reader(settings(), std::chrono::seconds{15}, {.records = 0});
  const std::vector all{partition(0)};
  for (const auto& [second, offset] : std::map<int, Offset>{{-1, 0}, {1'000, 0}, {2'001, 2}})
    EXPECT_EQ(reader.offsets_at(all, Timestamp{std::chrono::seconds{second}}).at(partition(0)),
              offset);
  EXPECT_EQ(reader.offsets_at(all, Timestamp{std::chrono::seconds{9'999}}).at(partition(0)), 3)
      << "the broker knows that there is none";
}

TEST_F(KafkaLogReader, ComesToTheEndOfALogThatEndsWithMarkers) {
  create_topic(1);
  produce(numbered_records(topic_, 0, 1));
  const auto some = numbered_records(topic_, 0, 2);
  produce_in_transaction(brokers_, some, false);
  produce_in_transaction(brokers_, some, true);
  LogReader reader(settings());
  const std::vector all{partition(0)};
  const auto range = reader.ranges(all).at(partition(0));
  EXPECT_THAT(read(reader, {{partition(0), range.start, range.end}}),
              ElementsAre("0@0", "0@4", "0@5"));
  EXPECT_THAT(read(reader, {{partition(0), 0, 2}}), ElementsAre("0@0"))
      << "what follows a gap is beyond the slice";
}

TEST_F(KafkaLogReader, DoesNotWaitForATransactionThatIsOpen) {
  create_topic(1);
  produce(numbered_records(topic_, 0, 1));
  const auto some = numbered_records(topic_, 0, 1);
  kinbox::testing::OpenKafkaTransaction open(brokers_, some);
  LogReader reader(settings());
  EXPECT_THAT(read(reader, {{partition(0), 0, 2}}), ElementsAre("0@0"));
  open.end(false);
}

TEST_F(KafkaLogReader, SaysWhatWasDeletedMeanwhile) {
  create_topic(1);
  produce(numbered_records(topic_, 0, 5));
  const std::vector before{PartitionOffset{partition(0), 3}};
  admin_->delete_records(before);
  LogReader reader(settings());
  EXPECT_THAT(
      [&] {
        read(reader, {{partition(0), 0, 5}});
      },
      ThrowsMessage<Error>(HasSubstr("was deleted while it was read; start again")));
}

TEST_F(KafkaLogReader, NamesATopicThatIsNotThere) {
  LogReader reader(settings(), std::chrono::seconds{5});
  EXPECT_THAT(
      [&] {
        read(reader, {{partition(0), 0, 5}});
      },
      ThrowsMessage<Error>(HasSubstr(topic_)));
}

TEST_F(KafkaLogReader, TheAdminListsTopicsWithTheirPartitions) {
  create_topic(3);
  // A broker tells of a new topic a moment later.
  EXPECT_TRUE(kinbox::testing::eventually([&] { return admin_->topics().contains(topic_); }));
  EXPECT_EQ(admin_->topics()[topic_], 3);
}

TEST(KafkaLogReaderAlone, GivesUpOnBrokersThatAreNotThere) {
  LogReader reader(Settings{{"bootstrap.servers", "127.0.0.1:1"}}, std::chrono::milliseconds{300});
  const std::vector<LogSlice> slices{{{"orders", 0}, 0, 5}};
  reader.start(slices);
  EXPECT_THAT([&] { reader.next(10); }, ThrowsMessage<InfrastructureError>(HasSubstr(
                                            "no broker brings the records from orders/0@0 on")));
  const std::vector<TopicPartition> partitions{{"orders", 0}};
  EXPECT_THROW(reader.ranges(partitions), InfrastructureError);
}

}  // namespace
}  // namespace kinbox::kafka

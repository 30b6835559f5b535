// Where a time is in logs of which the brokers do not know it, as librdkafka's mock cluster.
#include <gmock/gmock.h>

#include "kinbox/errors.hpp"
#include "kinbox/kafka/log_reader.hpp"
#include "support/mock_kafka.hpp"

namespace kinbox::kafka {
namespace {

using namespace std::chrono_literals;
using kinbox::testing::fast_settings;
using kinbox::testing::numbered_records;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Pair;
using ::testing::ThrowsMessage;

constexpr auto kPatience = 15s;

class KafkaTimes : public kinbox::testing::MockKafkaTest {
 protected:
  LogReader reader(const TimeScanBounds& bounds = {}) {
    return LogReader(Settings(fast_settings(cluster_.bootstrap_servers())), kPatience, bounds);
  }

  /// A record at each of these seconds.
  void produce_at(const TopicPartition& partition, const std::vector<int>& seconds) {
    auto records =
        numbered_records(partition.topic, partition.partition, static_cast<int>(seconds.size()));
    for (std::size_t i = 0; i < seconds.size(); ++i)
      records[i].timestamp = Timestamp{std::chrono::seconds{seconds[i]}};
    produce(records);
  }

  const std::vector<TopicPartition> both_{kP0, kP1};
};

TEST_F(KafkaTimes, AreReadFromTheRecordsWhereBrokersDoNotKnow) {
  produce_at(kP0, {100, 200, 300});
  produce_at(kP1, {400});
  auto reader = this->reader();
  EXPECT_THAT(reader.offsets_at(both_, Timestamp{200s}), ElementsAre(Pair(kP0, 1), Pair(kP1, 0)));
  EXPECT_THAT(reader.offsets_at(both_, Timestamp{201s}), ElementsAre(Pair(kP0, 2), Pair(kP1, 0)));
  EXPECT_THAT(reader.offsets_at(both_, Timestamp{400s}), ElementsAre(Pair(kP0, 3), Pair(kP1, 0)))
      << "nothing is that late: the end";
}

TEST_F(KafkaTimes, NeedNotGrowAlongALog) {
  produce_at(kP0, {100, 500, 200, 300});
  EXPECT_THAT(reader().offsets_at(both_, Timestamp{250s}), ElementsAre(Pair(kP0, 1), Pair(kP1, 0)));
}

TEST_F(KafkaTimes, AreLookedForWhileSomethingElseIsRead) {
  produce_at(kP0, {100, 200, 300});
  auto reader = this->reader();
  reader.start(std::vector{LogSlice{kP0, 0, 3}});
  EXPECT_EQ(reader.next(1).front().offset(), 0);
  reader.offsets_at(both_, Timestamp{300s});
  EXPECT_EQ(reader.next(1).front().offset(), 1);
}

TEST_F(KafkaTimes, AreLookedForInSoManyRecordsAndNoMore) {
  produce_at(kP0, {100, 200, 300});
  produce_at(kP1, {100, 200, 300});
  EXPECT_EQ(reader({.records = 6}).offsets_at(both_, Timestamp{300s}).at(kP1), 2);
  EXPECT_THAT([&] { reader({.records = 5}).offsets_at(both_, Timestamp{300s}); },
              ThrowsMessage<Error>(AllOf(
                  HasSubstr("do not know where times are in orders"),
                  HasSubstr("1970-01-01T00:05:00.000Z was given up after 5 records, before offset "
                            "2 of partition 1"),
                  HasSubstr("say an offset instead"))));
  EXPECT_THAT([&] { reader({.time = 0ms}).offsets_at(both_, Timestamp{300s}); },
              ThrowsMessage<Error>(HasSubstr("after 0 records, before offset 0 of partition 0")));
}

TEST_F(KafkaTimes, OfWhichNothingIsKnownAreNoPlaceToBeginAt) {
  produce_at(kP0, {100});
  const auto source = subscribed();
  EXPECT_THAT([&] { source->offset_at(kP0, Timestamp{50s}); },
              ThrowsMessage<ConfigurationError>(HasSubstr("begin at `earliest` or `latest`")));
  EXPECT_EQ(source->offset_at(kP1, Timestamp{50s}), 0) << "an empty log has one place only";
}

}  // namespace
}  // namespace kinbox::kafka

#include <gmock/gmock.h>

#include "cli/status/limits.hpp"
#include "cli/status/log_view.hpp"
#include "support/mock_kafka.hpp"

namespace kinbox::cli {
namespace {

using kinbox::testing::MockKafkaTest;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::Pair;

class StatusLogView : public MockKafkaTest {
 protected:
  static Timestamp at(int seconds) {
    return Timestamp(std::chrono::seconds(1'700'000'000 + seconds));
  }

  void produce_at(const TopicPartition& partition, std::initializer_list<int> seconds) {
    std::vector<OwnedRecord> records;
    for (const int second : seconds) {
      OwnedRecord record;
      record.topic = partition.topic;
      record.partition = partition.partition;
      record.value = "v";
      record.timestamp = at(second);
      records.push_back(std::move(record));
    }
    produce(records);
  }

  LogView view(std::chrono::milliseconds patience = std::chrono::seconds{5}) {
    return LogView(kafka::Settings(kinbox::testing::fast_settings(cluster_.bootstrap_servers())),
                   patience);
  }
};

TEST_F(StatusLogView, EndsAndTheNextRecordsOfWhoeverReads) {
  produce_at(kP0, {0, 10, 20});
  auto logs = view();
  for (int look = 0; look < 2; ++look) {
    const auto states = logs.look({{kP0, 0}, {kP0, 2}, {kP0, 3}, {kP1, 0}});
    EXPECT_THAT(states.ends, ElementsAre(Pair(kP0, 3), Pair(kP1, 0)));
    EXPECT_THAT(states.next_records,
                ElementsAre(Pair(ReadingPlace{kP0, 0}, at(0)), Pair(ReadingPlace{kP0, 2}, at(20))));
    EXPECT_THAT(states.missing, IsEmpty());
  }
}

TEST_F(StatusLogView, BrokersThatAreAwayLeaveEverythingUnknown) {
  LogView logs(kafka::Settings({{"bootstrap.servers", "127.0.0.1:1"}}),
               std::chrono::milliseconds{300});
  const auto states = logs.look({{kP0, 0}, {{"another", 0}, 0}});
  EXPECT_THAT(states.ends, IsEmpty());
  EXPECT_THAT(states.missing, Not(IsEmpty()));
}

PartitionReport reading(const TopicPartition& partition, Offset position) {
  PartitionReport report;
  report.consumer = "orders";
  report.stored_state = "running";
  report.partition = partition;
  report.next_offset = position;
  return report;
}

TEST_F(StatusLogView, LagIsInOffsetsAndInSeconds) {
  const TopicPartition silent{kTopic, 7};
  StatusLook look;
  look.logs.ends = {{kP0, 3}, {kP1, 5}};
  look.logs.next_records = {{{kP0, 1}, at(0)}};
  look.at = at(90);
  EXPECT_EQ(look.lag(reading(kP0, 1)), 2);
  EXPECT_EQ(look.lag_seconds(reading(kP0, 1)), 90);
  EXPECT_EQ(look.lag_seconds(reading(kP0, 3)), 0) << "all is read";
  EXPECT_EQ(look.lag(reading(kP1, 1)), 4);
  EXPECT_EQ(look.lag_seconds(reading(kP1, 1)), std::nullopt) << "nobody has read the next one";
  EXPECT_EQ(look.lag(reading(silent, 1)), std::nullopt);
  look.partitions = {reading(kP0, 1), reading(kP1, 5)};
  EXPECT_THAT(not_clean(look, {.lag = 2, .lag_seconds = 90}), IsEmpty());
  EXPECT_THAT(not_clean(look, {.lag = 1, .lag_seconds = 89}),
              ElementsAre("orders orders/0: lag is 2, more than --max-lag 1",
                          "orders orders/0: lag in seconds is 90, more than --max-lag-seconds 89"));
  look.partitions = {reading(silent, 1)};
  EXPECT_THAT(not_clean(look, {.lag = 1}), ElementsAre(HasSubstr("lag is not known")));
}

}  // namespace
}  // namespace kinbox::cli

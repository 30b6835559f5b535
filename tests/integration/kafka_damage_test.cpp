// Records that cannot be read: librdkafka goes on behind them, kinbox does not.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/broker_kafka.hpp"
#include "support/topic_file.hpp"

namespace kinbox::kafka {
namespace {

using namespace std::chrono_literals;
using namespace kinbox::testing;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using Clock = std::chrono::steady_clock;

class KafkaDamage : public BrokerKafkaTest {
 protected:
  /// A record each.
  void produce_three_batches(std::int32_t number) {
    for (const int offset : {0, 1, 2}) produce(numbered_records(topic_, number, 1, offset));
  }
  void await_complaint(Source& source) {
    poll_until(
        source,
        [&](const Polled& polled) {
          for (const auto& record : polled.records) records_.push_back(record.copy());
        },
        [&] { return messages_.was_told("cannot be read"); });
  }
  std::vector<Offset> of_partition(std::int32_t number) const {
    std::vector<Offset> offsets;
    for (const auto& record : records_)
      if (record.partition == number) offsets.push_back(record.offset);
    return offsets;
  }

  std::vector<OwnedRecord> records_;
};

TEST_F(KafkaDamage, IsNeverPassedOver) {
  create_topic(2);
  produce_three_batches(0);
  TopicFile file(partition(0));
  file.damage(1);
  auto source = subscribed();
  await_complaint(*source);
  EXPECT_TRUE(messages_.was_told("3 " + topic_ + "/0: records from offset 1 on cannot be read: "))
      << messages_.all_text();
  EXPECT_TRUE(messages_.was_told("CRC32C")) << messages_.all_text();
  // While it stands, and is tried again, the others go on.
  produce_three_batches(1);
  for (const auto end = Clock::now() + 3s; Clock::now() < end;)
    for (const auto& record : source->poll(kSmallWait).records) records_.push_back(record.copy());
  EXPECT_THAT(of_partition(0), ElementsAre(0));
  EXPECT_THAT(of_partition(1), ElementsAre(0, 1, 2));
  EXPECT_FALSE(source->at_end(partition(0)));
  file.damage(1);  // mended
  EXPECT_THAT(offsets_of(poll_records(*source, 2)), ElementsAre(1, 2));
}

TEST_F(KafkaDamage, AtTheEndIsNotTheEnd) {
  create_topic(1);
  auto source = subscribed();
  poll_until(
      *source, [](const Polled&) {}, [&] { return source->at_end(partition(0)); });
  source->pause(partition(0));
  produce(numbered_records(topic_, 0, 2));
  TopicFile(partition(0)).damage(0);
  source->resume(partition(0));
  await_complaint(*source);
  EXPECT_FALSE(source->at_end(partition(0)));
  EXPECT_THAT(records_, IsEmpty());
}

TEST_F(KafkaDamage, MayBeLeftBehindByThoseWhoSaySo) {
  create_topic(1);
  produce_three_batches(0);
  TopicFile(partition(0)).damage(1);
  auto source = subscribed();
  await_complaint(*source);
  source->start_at(partition(0), 2);
  EXPECT_THAT(offsets_of(poll_records(*source, 1)), ElementsAre(2));
}

}  // namespace
}  // namespace kinbox::kafka

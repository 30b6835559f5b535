// Members that come, go, fall silent.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/group_member.hpp"
#include "support/kafka.hpp"
#include "support/mock_kafka.hpp"

namespace kinbox::kafka {
namespace {

using namespace std::chrono_literals;
using namespace kinbox::testing;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using Clock = std::chrono::steady_clock;

class KafkaGroupTest : public MockKafkaTest {};

TEST_F(KafkaGroupTest, MembersComeAndGoAndEveryRecordIsDeliveredToItsOwner) {
  SharedPositions positions;
  int produced = 0;
  const auto produce_some = [&] {
    for (const int partition : {0, 1}) produce(numbered_records(kTopic, partition, 20, produced));
    produced += 20;
  };
  const auto all_read = [&] { return positions.applied() == 2 * produced; };
  const auto poll_all = [&](std::vector<GroupMember*> members, const std::function<bool()>& done) {
    const auto limit = Clock::now() + 30s;
    while (!done() && Clock::now() < limit)
      for (auto* member : members) member->poll();
    EXPECT_TRUE(done());
  };

  GroupMember first(options(), observer_, positions);
  produce_some();
  poll_all({&first}, all_read);
  GroupMember second(options(), observer_, positions);
  produce_some();
  poll_all({&first, &second},
           [&] { return all_read() && first.owned().size() == 1 && second.owned().size() == 1; });
  produce_some();
  poll_all({&first, &second}, all_read);
  second.source().close(soon());
  EXPECT_THAT(second.owned(), IsEmpty());
  produce_some();
  poll_all({&first}, [&] { return all_read() && first.owned().size() == 2; });
}

class KafkaPausedPartition : public MockKafkaTest,
                             public ::testing::WithParamInterface<const char*> {};

TEST_P(KafkaPausedPartition, ThatLeftAndCameBackIsNotStuck) {
  const auto asked = options({{"partition.assignment.strategy", GetParam()}});
  SharedPositions positions;
  GroupMember first(asked, observer_, positions);
  while (first.owned().size() < 2) first.poll();
  first.source().pause(kP0);
  first.source().pause(kP1);
  TopicPartition moved;
  {
    GroupMember second(asked, observer_, positions);
    while (first.owned().size() != 1 || second.owned().size() != 1) {
      first.poll();
      second.poll();
    }
    moved = *second.owned().begin();
    second.source().close(soon());
  }
  produce(numbered_records(kTopic, moved.partition, 1));
  const auto limit = Clock::now() + 30s;
  while (positions.applied() == 0 && Clock::now() < limit) first.poll();
  EXPECT_EQ(positions.applied(), 1);
}

INSTANTIATE_TEST_SUITE_P(Groups, KafkaPausedPartition,
                         ::testing::Values("range,roundrobin", "cooperative-sticky"),
                         [](const auto& group) {
                           return std::string(group.param).find("range") == 0 ? "Eager"
                                                                              : "Cooperative";
                         });

TEST_F(KafkaGroupTest, RecordsOfARevokedPartitionLeaveTheBatch) {
  produce(numbered_records(kTopic, 0, 3));
  auto source = subscribed();
  poll_records(*source, 1, {.max_bytes = 6, .max_wait = 20ms});  // the second is carried over
  lose_assignment();
  const auto polled = source->poll(kSmallWait);
  EXPECT_THAT(listener_.revocations(), ElementsAre(Revocation::kLost));
  EXPECT_THAT(polled.records, IsEmpty());
}

TEST_F(KafkaGroupTest, ALostPartitionIsStillLostAfterItWasStartedElsewhere) {
  produce(numbered_records(kTopic, 0, 3));
  auto source = subscribed();
  poll_records(*source, 3);
  lose_assignment();
  source->start_at(kP0, 1);
  EXPECT_THAT(source->poll(kSmallWait).records, IsEmpty());
  EXPECT_THAT(listener_.revocations(), ElementsAre(Revocation::kLost));
}

TEST_F(KafkaGroupTest, CloseReturnsInTimeWhileTheBrokerIsSilent) {
  auto source = subscribed();
  await_assignment(*source);
  silence();
  const PartitionOffset position{kP0, 1};
  source->tell({&position, 1});
  const auto begin = Clock::now();
  source->close(begin + 2s);
  EXPECT_LT(Clock::now() - begin, 5s);
  EXPECT_THAT(listener_.owned(), IsEmpty());
  EXPECT_TRUE(observer_.was_told("4 the group \"g\" could not be left in time"));
  speak();
}

TEST_F(KafkaGroupTest, CloseReturnsInTimeWhileARecordIsKept) {
  produce(numbered_records(kTopic, 0, 1));
  auto source = subscribed();
  std::vector<Record> kept;
  while (kept.empty()) kept = source->poll(kSmallWait).records;
  const auto begin = Clock::now();
  source->close(begin + 1s);
  EXPECT_LT(Clock::now() - begin, 4s);
  EXPECT_TRUE(observer_.was_told("4 librdkafka did not let go of its client in time"));
  EXPECT_EQ(as_text(*kept[0].value()), "v0");
}

TEST_F(KafkaGroupTest, CloseLeavesTheGroupWithRecordsFetchedAhead) {
  std::vector<OwnedRecord> many = numbered_records(kTopic, 0, 5000);
  produce(many);
  auto source = subscribed();
  poll_records(*source, 1, {.max_records = 1, .max_wait = 20ms});
  source->close(soon());
  EXPECT_EQ(observer_.all_text(), "");
  EXPECT_THAT(listener_.revocations(), ElementsAre(Revocation::kOrderly));
}

TEST_F(KafkaGroupTest, ASourceThatWasNotClosedEndsQuietly) {
  auto source = subscribed();
  await_assignment(*source);
  const auto begin = Clock::now();
  source.reset();
  EXPECT_LT(Clock::now() - begin, 2s);
  EXPECT_THAT(listener_.revocations(), IsEmpty());
}

}  // namespace
}  // namespace kinbox::kafka

#include <gmock/gmock.h>

#include "cli/position/acceptance.hpp"
#include "cli/position/foreign_offsets.hpp"
#include "cli/position/move_plan.hpp"
#include "cli/usage_error.hpp"

namespace kinbox::cli {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;
using ::testing::ThrowsMessage;

const TopicPartition kFirst{"orders", 0};

StoredPosition at(Offset next, const std::string& reason = {}) {
  StoredPosition position;
  position.consumer = "shop";
  position.group = "g";
  position.partition = kFirst;
  position.topic_id = "one";
  position.next_offset = next;
  position.state = reason.empty() ? "running" : "halted";
  position.reason = reason;
  return position;
}

class MovePlans : public ::testing::Test {
 protected:
  std::vector<PlannedMove> plan(Offset wanted) const {
    return plan_moves({{kFirst, wanted}}, {{kFirst, {20, 90}}}, {&stored_, 1});
  }

  StoredPosition stored_ = at(50);
};

TEST_F(MovePlans, SayWhatTheyMeanForRecords) {
  stored_.first_offset = 10;
  ASSERT_THAT(plan(30), SizeIs(1));
  const auto back = plan(30).front();
  EXPECT_EQ(back.move.from, 50);
  EXPECT_EQ(back.move.to, 30);
  EXPECT_EQ(back.meaning, "20 records again, as duplicates where they were decided");
  EXPECT_FALSE(back.unknown_again);
  EXPECT_EQ(plan(51).front().meaning, "1 record not consumed");
}

TEST_F(MovePlans, AreNoneForWhatIsThereAlready) { EXPECT_THAT(plan(50), IsEmpty()); }

TEST_F(MovePlans, StayInTheLog) {
  EXPECT_EQ(plan(7).front().move.to, 20);
  EXPECT_THAT(plan(7).front().meaning, HasSubstr("(7 is not in the log, which has 20 to 90)"));
  EXPECT_EQ(plan(99).front().move.to, 90);
  EXPECT_THAT(plan(90).front().meaning, Not(HasSubstr("not in the log")));
}

TEST_F(MovePlans, KnowOfWhichRecordsNobodyKnows) {
  stored_.dedup_floor = 40;
  EXPECT_FALSE(plan(40).front().unknown_again);
  EXPECT_TRUE(plan(39).front().unknown_again);
  EXPECT_EQ(plan(39).front().meaning, "11 records again, as new up to 40");
  stored_.dedup_floor = 0;
  stored_.first_offset = 40;
  EXPECT_TRUE(plan(39).front().unknown_again);
}

TEST_F(MovePlans, BeginWhereThereIsNoPosition) {
  const auto moves = plan_moves({{{"orders", 1}, 3}}, {{{"orders", 1}, {0, 9}}}, {&stored_, 1});
  ASSERT_THAT(moves, SizeIs(1));
  EXPECT_FALSE(moves[0].move.from);
  EXPECT_EQ(moves[0].move.to, 3);
  EXPECT_EQ(moves[0].meaning, "its first position");
}

using Way = Acceptance::Way;

TEST(Acceptances, CountWhatIsGone) {
  const auto gap = accepted(at(4'200), {5'000, 6'000}, "one", {});
  EXPECT_EQ(gap.way, Way::kPassOver);
  EXPECT_EQ(gap.move.from, 4'200);
  EXPECT_EQ(gap.move.to, 5'000);
  EXPECT_EQ(gap.meaning, "800 records that are gone count as gaps");
  EXPECT_EQ(accepted(at(4'200), {5'000, 6'000}, "", {}).way, Way::kPassOver);
}

TEST(Acceptances, ANewTopicBeginsAtItsStart) {
  const auto begun = accepted(at(50), {3, 90}, "two", {});
  EXPECT_EQ(begun.way, Way::kNewTopic);
  EXPECT_EQ(begun.move.to, 3);
  EXPECT_EQ(accepted(at(50), {3, 9}, "", {.new_topic = true}).way, Way::kNewTopic);
  EXPECT_EQ(accepted(at(1), {3, 9}, "", {.new_topic = true}).move.to, 3);
}

TEST(Acceptances, ATopicThatLostItsEndGoesOnThere) {
  for (const auto& [id, words] :
       {std::pair<std::string, AcceptWords>{"one", {}}, {"", {.same_topic = true}}}) {
    const auto same = accepted(at(50), {3, 9}, id, words);
    EXPECT_EQ(same.way, Way::kSameTopic);
    EXPECT_EQ(same.move.to, 9);
  }
}

TEST(Acceptances, APersonSaysWhichTopicItIsWhereNobodyElseCan) {
  EXPECT_THAT(
      [] {
        accepted(at(50), {3, 9}, "", {});
      },
      ThrowsMessage<UsageError>(AllOf(HasSubstr("orders/0: the log ends at 9"),
                                      HasSubstr("--new-topic"), HasSubstr("--same-topic"))));
  EXPECT_THAT(([] {
                accepted(at(50), {3, 9}, "", {.new_topic = true, .same_topic = true});
              }),
              ThrowsMessage<UsageError>(HasSubstr("say one of them")));
  EXPECT_THAT(
      [] {
        accepted(at(50), {3, 9}, "one", {.new_topic = true});
      },
      ThrowsMessage<UsageError>(HasSubstr("it is the topic of the position")));
  EXPECT_THAT(
      [] {
        accepted(at(50), {3, 9}, "two", {.same_topic = true});
      },
      ThrowsMessage<UsageError>(HasSubstr("it is another topic")));
}

TEST(Acceptances, APositionThatIsInTheLogIsReleased) {
  for (const Offset next : {3, 9})
    EXPECT_THAT(
        [&] {
          accepted(at(next), {3, 9}, "one", {});
        },
        ThrowsMessage<UsageError>(HasSubstr("kinbox position release")));
}

TEST(Acceptances, WhatCannotBeReadIsGivenUpUpToAnOffset) {
  const auto given_up = accepted(at(5), {3, 9}, "one", {.until = 7});
  EXPECT_EQ(given_up.way, Way::kPassOver);
  EXPECT_EQ(given_up.move.to, 7);
  EXPECT_EQ(given_up.meaning, "2 records given up");
  for (const Offset until : {5, 4, 10})
    EXPECT_THAT(([&] {
                  accepted(at(5), {3, 9}, "one", {.until = until});
                }),
                ThrowsMessage<UsageError>(HasSubstr("--until-offset: orders/0 is at 5")));
}

TEST(Acceptances, AreOfPartitionsThatLackRecords) {
  for (const auto* reason : {"gap: x", "truncated: x", "recreated: x"})
    EXPECT_TRUE(lacks_records(at(5, reason))) << reason;
  EXPECT_FALSE(lacks_records(at(5, "retries_exhausted: gap: x")));
  EXPECT_FALSE(lacks_records(at(5)));
}

TEST(ForeignOffsets, AreThoseThatKinboxDidNotPutThere) {
  auto position = at(50);
  const auto say = [&](const kafka::GroupOffset& offset) {
    return foreign_offsets({&position, 1}, {{kFirst, offset}});
  };
  EXPECT_THAT(
      say({20, false}),
      ElementsAre(
          AllOf(HasSubstr("orders/0: group g has offset 20 in Kafka"),
                HasSubstr("stays the database's, 50"),
                HasSubstr("kinbox position set --consumer shop --topic orders:0 --to-offset 20"))));
  EXPECT_THAT(say({70, false}), SizeIs(1));
  EXPECT_THAT(say({50, false}), IsEmpty());
  EXPECT_THAT(say({20, true}), IsEmpty()) << "a crash leaves those";
  EXPECT_THAT(foreign_offsets({&position, 1}, {}), IsEmpty()) << "offsets expire";
  position.owner_at = "host pid 1";
  EXPECT_THAT(say({20, false}), IsEmpty()) << "it is on its way";
}

TEST(ForeignOffsets, AreCountedBeyondTheTenth) {
  std::vector<StoredPosition> positions(13, at(50));
  std::map<TopicPartition, kafka::GroupOffset> offsets;
  for (std::int32_t number = 0; number < 13; ++number) {
    positions[static_cast<std::size_t>(number)].partition.partition = number;
    offsets[{"orders", number}] = {number == 12 ? 50 : 1, false};
  }
  const auto said = foreign_offsets(positions, offsets);
  ASSERT_THAT(said, SizeIs(11));
  EXPECT_THAT(said.back(), HasSubstr("2 more partitions"));
}

}  // namespace
}  // namespace kinbox::cli

#include <gtest/gtest.h>

#include "kafka/stall.hpp"

namespace kinbox::kafka {
namespace {

using namespace std::chrono_literals;
using Step = Stall::Step;

constexpr auto kPatience = 30s;

class StallTest : public ::testing::Test {
 protected:
  /// At second `now`, with the end and a poll that came back with nothing at the same moment.
  Step look(std::chrono::seconds now, std::optional<Offset> end, Offset position = 10) {
    return look_after_empty_poll(now, now, end, position);
  }
  Step look_after_empty_poll(std::chrono::seconds now, std::chrono::seconds empty,
                             std::optional<Offset> end, Offset position = 10) {
    return stall_.look({.position = position,
                        .end = end,
                        .end_known_at = Stall::TimePoint(now),
                        .empty_at = Stall::TimePoint(empty)},
                       kPatience);
  }

  Stall stall_;
};

TEST_F(StallTest, IsWaitedForBeforeAnythingIsDone) {
  EXPECT_EQ(look(0s, 11), Step::kNone);
  EXPECT_EQ(look(29s, 11), Step::kNone);
  EXPECT_EQ(look(30s, 11), Step::kSeek);
}

TEST_F(StallTest, StepsGrowAndSoDoesThePauseBetweenThem) {
  look(0s, 20);
  EXPECT_EQ(look(30s, 20), Step::kSeek);
  EXPECT_EQ(look(89s, 20), Step::kNone);
  EXPECT_EQ(look(90s, 20), Step::kReassign);
  EXPECT_EQ(look(209s, 20), Step::kNone);
  EXPECT_EQ(look(210s, 20), Step::kReassign);
  auto now = 210s;
  for (const auto pause : {240s, 480s, 960s, 960s, 960s}) {
    EXPECT_EQ(look(now + pause - 1s, 20), Step::kNone);
    now += pause;
    EXPECT_EQ(look(now, 20), Step::kReassign);
  }
}

TEST_F(StallTest, WhatTheLogDoesNotHoldIsNotMissed) {
  look(0s, 10);
  EXPECT_EQ(look(1h, 10), Step::kNone);
  EXPECT_EQ(look(2h, 9), Step::kNone);
  EXPECT_EQ(look(3h, 11), Step::kNone) << "only just produced";
}

TEST_F(StallTest, AnAnswerThatDidNotComeBeginsAnew) {
  look(0s, 11);
  EXPECT_EQ(look(30s, std::nullopt), Step::kNone);
  EXPECT_EQ(look(60s, 11), Step::kNone);
  EXPECT_EQ(look(90s, 11), Step::kSeek);
}

TEST_F(StallTest, WhileOthersKeepTheConsumerBusyItsTurnHasNotCome) {
  look(0s, 11);
  EXPECT_EQ(look_after_empty_poll(60s, 29s, 11), Step::kNone);
  EXPECT_EQ(look_after_empty_poll(60s, 30s, 11), Step::kSeek);
}

TEST_F(StallTest, EndsWithASignOfLife) {
  look(0s, 11);
  EXPECT_FALSE(stall_.over()) << "nothing was done yet";
  EXPECT_EQ(look(30s, 11), Step::kNone);
  EXPECT_EQ(look(60s, 11), Step::kSeek);
  EXPECT_TRUE(stall_.over());
  EXPECT_FALSE(stall_.over());
  look(100s, 12);
  EXPECT_EQ(look(130s, 12), Step::kSeek) << "the first step again";
}

}  // namespace
}  // namespace kinbox::kafka

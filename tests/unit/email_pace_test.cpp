#include <gtest/gtest.h>

#include "email/pace.hpp"

namespace kinbox::email {
namespace {

using std::chrono::milliseconds;

TEST(PaceTest, TurnsAreAsFarApartAsTheRateSays) {
  Pace pace(20);
  const auto first = pace.take_turn();
  const auto second = pace.take_turn();
  EXPECT_GE(second - first, milliseconds{50});
  pace.give_turn_back();
  EXPECT_EQ(pace.take_turn(), second) << "it was not needed";
}

TEST(PaceTest, WithoutARateEveryTurnIsNow) {
  Pace pace(0);
  for (int i = 0; i < 3; ++i) {
    const auto turn = pace.take_turn();
    EXPECT_LE(turn, Pace::Clock::now());
  }
}

TEST(PaceTest, PausesGrowAndEndWithAnAnswer) {
  Pace pace(0);
  EXPECT_LE(pace.paused_until(), Pace::Clock::now());
  EXPECT_LE(pace.pause(Pace::Clock::now(), 0), milliseconds{500});
  EXPECT_GT(pace.pause(Pace::Clock::now(), 0), milliseconds{500});
  for (int i = 0; i < 10; ++i) pace.pause(Pace::Clock::now(), 0.99);
  EXPECT_LE(pace.pause(Pace::Clock::now(), 0.99), milliseconds{30'000});
  EXPECT_GT(pace.paused_until(), Pace::Clock::now());
  pace.go_on();
  EXPECT_LE(pace.paused_until(), Pace::Clock::now());
  EXPECT_LE(pace.pause(Pace::Clock::now(), 0), milliseconds{500}) << "from the beginning";
}

TEST(PaceTest, ThoseWhoSetOutTogetherAreOneFailure) {
  Pace pace(0);
  const auto together = Pace::Clock::now();
  pace.pause(together, 0.5);
  const auto until = pace.paused_until();
  pace.pause(together, 0.5);
  EXPECT_EQ(pace.paused_until(), until);
}

}  // namespace
}  // namespace kinbox::email

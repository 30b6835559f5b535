#include "kinbox/handler_clock.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <chrono>
#include <thread>

namespace kinbox::testing {
namespace {

using std::chrono::milliseconds;
using Watch = HandlerClock::Watch;

constexpr milliseconds kMoment{5};

void pass(milliseconds time) { std::this_thread::sleep_for(time); }

TEST(HandlerClock, WithoutALimitNothingIsEverLate) {
  HandlerClock clock(Watch::kGiven);
  clock.start({"h", nullptr}, std::nullopt);
  EXPECT_EQ(clock.deadline(), HandlerClock::kNever);
  EXPECT_FALSE(clock.seize_if_hung());
  EXPECT_FALSE(clock.stop());
}

TEST(HandlerClock, WhoStopsInTimeIsNotLateAndWhoDoesNotIs) {
  HandlerClock clock;
  clock.start({"h", nullptr}, std::chrono::hours{1});
  EXPECT_FALSE(clock.stop());
  clock.start({"h", nullptr}, kMoment);
  pass(2 * kMoment);
  EXPECT_TRUE(clock.stop());
  EXPECT_EQ(clock.deadline(), HandlerClock::kNever);
}

TEST(HandlerClock, ALimitOfManyYearsIsOne) {
  HandlerClock clock;
  clock.start({"h", nullptr}, milliseconds::max());
  EXPECT_GT(clock.deadline(), std::chrono::steady_clock::now());
  EXPECT_FALSE(clock.stop());
}

TEST(HandlerClock, ItsTimeBeginsAnewWhenOthersWereWaitedFor) {
  HandlerClock clock;
  clock.start({"h", nullptr}, std::chrono::hours{1});
  const auto first = clock.deadline();
  pass(kMoment);
  clock.restart();
  EXPECT_GE(clock.deadline(), first + kMoment);
}

TEST(HandlerClock, AHandlerThatStaysAwayForItsGraceIsSeizedOnce) {
  HandlerClock clock(Watch::kGiven, kMoment);
  clock.start({"stock", nullptr}, std::chrono::hours{1});
  EXPECT_FALSE(clock.seize_if_hung());
  clock.start({"stock", nullptr}, kMoment);
  pass(3 * kMoment);
  const auto hung = clock.seize_if_hung();
  ASSERT_TRUE(hung);
  EXPECT_EQ(hung->run.handler, "stock");
  EXPECT_EQ(hung->limit, kMoment);
  EXPECT_EQ(hung->grace, kMoment);
  EXPECT_FALSE(clock.seize_if_hung());
}

TEST(HandlerClock, WhoCameBackIsNotSeized) {
  HandlerClock clock(Watch::kGiven, milliseconds{0});
  clock.start({"h", nullptr}, kMoment);
  pass(2 * kMoment);
  clock.stop();
  EXPECT_FALSE(clock.seize_if_hung());
}

TEST(HandlerClock, TheDerivedGraceIsTheLimitAgainAndTenSecondsAtLeast) {
  EXPECT_EQ(HandlerClock::derived_grace(milliseconds{1}), milliseconds{10'000});
  EXPECT_EQ(HandlerClock::derived_grace(milliseconds{30'000}), milliseconds{30'000});
}

TEST(HandlerClock, WhenNobodyLooksNobodyIsSeized) {
  HandlerClock clock;
  clock.start({"h", nullptr}, milliseconds{0});
  pass(kMoment);
  EXPECT_FALSE(clock.seize_if_hung());
}

TEST(HandlerClockDeathTest, ASeizedHandlerThatComesBackGoesNoFurther) {
  // What it would have stored is no longer wanted: the process is being ended for it.
  EXPECT_EXIT(
      {
        HandlerClock clock(Watch::kGiven, milliseconds{0});
        clock.start({"h", nullptr}, kMoment);
        pass(2 * kMoment);
        const auto hung = clock.seize_if_hung();
        std::thread([&] {
          clock.stop();
          _exit(1);
        }).detach();
        pass(20 * kMoment);
        _exit(hung ? 7 : 2);
      },
      ::testing::ExitedWithCode(7), "");
}

}  // namespace
}  // namespace kinbox::testing

#include "core/lock_patience.hpp"

#include <gtest/gtest.h>

namespace kinbox {
namespace {

using namespace std::chrono_literals;

TEST(LockPatienceTest, IsATenthOfASecondForQuickBatches) {
  LockPatience patience;
  EXPECT_EQ(patience.limit(), 100ms);
  patience.took(30ms);
  EXPECT_EQ(patience.limit(), 100ms);
}

TEST(LockPatienceTest, IsTwoBatches) {
  LockPatience patience;
  for (int i = 0; i < 5; ++i) patience.took(200ms);
  EXPECT_EQ(patience.limit(), 400ms);
}

TEST(LockPatienceTest, ComesAndGoesSlowly) {
  LockPatience patience;
  for (int i = 0; i < 5; ++i) patience.took(100ms);
  patience.took(600ms);
  EXPECT_EQ(patience.limit(), 400ms);
}

TEST(LockPatienceTest, HasNoLimitWhereTheServerFindsOutFirst) {
  LockPatience patience;
  patience.took(500ms);
  EXPECT_EQ(patience.limit(), std::nullopt);
}

}  // namespace
}  // namespace kinbox

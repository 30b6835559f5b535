#include <gtest/gtest.h>

#include "kafka/fetch_nudge.hpp"

namespace kinbox::kafka {
namespace {

using namespace std::chrono_literals;

class EbbTest : public ::testing::Test {
 protected:
  bool fell(std::size_t waiting) { return ebb_.fell(waiting, now_); }

  Ebb ebb_;
  Ebb::TimePoint now_ = std::chrono::steady_clock::now();
};

TEST_F(EbbTest, IsNoticedOnceAtHalfOfWhatWaited) {
  EXPECT_FALSE(fell(80'000));
  EXPECT_FALSE(fell(120'000));
  EXPECT_FALSE(fell(60'001));
  EXPECT_TRUE(fell(60'000));
  EXPECT_FALSE(fell(59'000));
  now_ += 1s;
  EXPECT_TRUE(fell(20'000)) << "no more came: once more at half of that";
}

TEST_F(EbbTest, OfAShortQueueIsNothing) {
  for (const std::size_t waiting : {4'999U, 0U, 3'000U, 1U}) EXPECT_FALSE(fell(waiting));
}

TEST_F(EbbTest, IsNoticedSeldom) {
  fell(50'000);
  ASSERT_TRUE(fell(20'000));
  EXPECT_FALSE(fell(10'000));
  now_ += 49ms;
  EXPECT_FALSE(fell(10'000));
  now_ += 1ms;
  EXPECT_TRUE(fell(10'000));
}

}  // namespace
}  // namespace kinbox::kafka

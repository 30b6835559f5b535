#include "kinbox/retry_policy.hpp"

#include <gtest/gtest.h>

namespace kinbox {
namespace {

using std::chrono::milliseconds;

constexpr RetryPolicy kPolicy{
    .max_attempts = 9, .first_delay = milliseconds{100}, .max_delay = milliseconds{1000}};

TEST(Backoff, DoublesUpToItsLimit) {
  EXPECT_EQ(backoff_bound(kPolicy, 1), milliseconds{100});
  EXPECT_EQ(backoff_bound(kPolicy, 2), milliseconds{200});
  EXPECT_EQ(backoff_bound(kPolicy, 4), milliseconds{800});
  EXPECT_EQ(backoff_bound(kPolicy, 5), milliseconds{1000});
  EXPECT_EQ(backoff_bound(kPolicy, 1'000'000), milliseconds{1000});
}

TEST(Backoff, HasFullJitter) {
  EXPECT_EQ(backoff(kPolicy, 3, 0.0), milliseconds{0});
  EXPECT_EQ(backoff(kPolicy, 3, 0.5), milliseconds{200});
  EXPECT_EQ(backoff(kPolicy, 3, 0.999), milliseconds{399});
}

TEST(Backoff, DoesNotOverflow) {
  const RetryPolicy slow{.max_attempts = 1,
                         .first_delay = std::chrono::hours{24 * 365},
                         .max_delay = milliseconds::max()};
  EXPECT_GT(backoff_bound(slow, 60), milliseconds{0});
}

}  // namespace
}  // namespace kinbox

#include "core/attempt_times.hpp"

#include <gmock/gmock.h>

#include "core/iso_time.hpp"

namespace kinbox {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

Timestamp at(std::int64_t ms) { return Timestamp(std::chrono::milliseconds(ms)); }

TEST(AttemptTimes, AreATextAndBack) {
  const std::vector<Timestamp> times{at(0), at(1), at(1'769'860'800'123)};
  EXPECT_EQ(attempt_times_text(times),
            "1970-01-01T00:00:00.000Z 1970-01-01T00:00:00.001Z 2026-01-31T12:00:00.123Z");
  EXPECT_EQ(attempt_times(attempt_times_text(times)), times);
  EXPECT_EQ(attempt_times_text({}), "");
  EXPECT_THAT(attempt_times(""), IsEmpty());
}

TEST(AttemptTimes, WhatIsNoTimeIsPassedOver) {
  EXPECT_THAT(attempt_times("1970-01-01T00:00:00.001Z  yesterday 1970-01-01T00:00:00.002Z "),
              ElementsAre(at(1), at(2)));
}

TEST(AttemptTimes, OfManyTheFirstAndTheLatestAreKept) {
  std::vector<Timestamp> times;
  for (int n = 0; n < 50; ++n) times = with_attempt(std::move(times), at(n));
  ASSERT_EQ(times.size(), kAttemptTimes);
  EXPECT_EQ(times.front(), at(0));
  EXPECT_EQ(times[1], at(31));
  EXPECT_EQ(times.back(), at(49));

  const auto text = attempt_times_text(times);
  const auto read = attempt_times(text + ' ' + attempt_times_text({at(50), at(51)}));
  ASSERT_EQ(read.size(), kAttemptTimes) << "as a letter has them that waited in a queue";
  EXPECT_EQ(read.front(), at(0));
  EXPECT_EQ(read[1], at(33));
  EXPECT_EQ(read.back(), at(51));
}

}  // namespace
}  // namespace kinbox

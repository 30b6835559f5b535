#include <gtest/gtest.h>

#include <vector>

#include "cli/config/nearest.hpp"
#include "cli/config/units.hpp"
#include "kinbox/errors.hpp"

namespace kinbox::cli {
namespace {

using namespace std::chrono_literals;

TEST(Durations, HaveAUnit) {
  EXPECT_EQ(parse_duration("0ms"), 0ms);
  EXPECT_EQ(parse_duration("250ms"), 250ms);
  EXPECT_EQ(parse_duration("30s"), 30s);
  EXPECT_EQ(parse_duration("5m"), 5min);
  EXPECT_EQ(parse_duration("1h"), 1h);
  EXPECT_EQ(parse_duration("7d"), 168h);
}

TEST(Durations, RefuseEverythingElse) {
  for (const auto* text : {"", "s", "30", "-1s", "1.5s", "1 s", "1sec", "1S", "1s ", "+1s",
                           "9223372036854775807d", "99999999999999999999ms"})
    EXPECT_THROW(parse_duration(text), ConfigurationError) << text;
}

TEST(Durations, AreShownInTheLargestUnitThatLosesNothing) {
  EXPECT_EQ(to_text(0ms), "0ms");
  EXPECT_EQ(to_text(1500ms), "1500ms");
  EXPECT_EQ(to_text(90s), "90s");
  EXPECT_EQ(to_text(std::chrono::milliseconds{24h}), "1d");
}

TEST(Sizes, HaveABinaryUnit) {
  EXPECT_EQ(parse_size("512B"), 512u);
  EXPECT_EQ(parse_size("64KiB"), 65536u);
  EXPECT_EQ(parse_size("16MiB"), 16u << 20);
  EXPECT_EQ(parse_size("2GiB"), 2ull << 30);
  EXPECT_EQ(size_text(16u << 20), "16MiB");
  EXPECT_EQ(size_text(1500), "1500B");
  for (const auto* text : {"", "16", "16MB", "16M", "-1B"})
    EXPECT_THROW(parse_size(text), ConfigurationError) << text;
}

TEST(Times, AreIso8601) {
  const Timestamp noon{1'769'860'800s};
  EXPECT_EQ(parse_time("2026-01-31T12:00:00Z"), noon);
  EXPECT_EQ(parse_time("2026-01-31T12:00:00.250Z"), noon + 250ms);
  EXPECT_EQ(parse_time("2026-01-31T12:00:00.2509999Z"), noon + 250ms);
  EXPECT_EQ(parse_time("2026-01-31T12:00:00.1Z"), noon + 100ms);
  EXPECT_EQ(parse_time("2026-01-31T14:30:00+02:30"), noon);
  EXPECT_EQ(parse_time("2026-01-31T07:00:00-05:00"), noon);
  EXPECT_EQ(to_text(noon + 7ms), "2026-01-31T12:00:00.007Z");
}

TEST(Times, RefuseWhatIsNoTime) {
  for (const auto* text :
       {"", "yesterday", "2026-02-30", "2026-1-31", "2026-01-31", "2026-01-31T12:00:00",
        "2026-01-31T24:00:00Z", "2026-01-31T12:00:00Zx", "2026-01-31 12:00:00Z",
        "2026-01-31T12:00:00.Z", "2026-01-31T12:00:00+25:00", "-026-01-31", "2026-01-31T12:60:00Z"})
    EXPECT_THROW(parse_time(text), ConfigurationError) << text;
}

TEST(Nearest, FindsTyposAndNothingElse) {
  const std::vector<std::string> names{"group", "name", "topics", "max_batch", "max_batch_wait"};
  EXPECT_EQ(nearest("topcis", names), "topics");
  EXPECT_EQ(nearest("gruop", names), "group");
  EXPECT_EQ(nearest("max_bach", names), "max_batch");
  EXPECT_EQ(nearest("nmae", names), "name");
  EXPECT_EQ(nearest("colour", names), std::nullopt);
  EXPECT_EQ(nearest("x", {}), std::nullopt);
}

}  // namespace
}  // namespace kinbox::cli

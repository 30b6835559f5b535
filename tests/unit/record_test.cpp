#include "kinbox/record.hpp"

#include <gtest/gtest.h>

namespace kinbox {
namespace {

OwnedRecord sample() {
  return {.topic = "t",
          .partition = 3,
          .offset = 42,
          .timestamp = Timestamp{std::chrono::milliseconds{7}},
          .key = "",
          .value = std::nullopt,
          .headers = {{"a", "1"}, {"b", std::nullopt}, {"a", "2"}}};
}

TEST(Record, GivesBackWhatItWasMadeOf) { EXPECT_EQ(Record(sample()).copy(), sample()); }

TEST(Record, TellsNullFromEmpty) {
  const Record record(sample());
  ASSERT_TRUE(record.key().has_value());
  EXPECT_TRUE(record.key()->empty());
  EXPECT_FALSE(record.value().has_value());
}

TEST(Record, TheLastHeaderOfANameCounts) {
  const Record record(sample());
  EXPECT_EQ(as_text(*record.header("a")), "2");
  EXPECT_FALSE(record.header("b").has_value());
  EXPECT_FALSE(record.header("A").has_value());
}

TEST(Record, SurvivesMovesAndLetsGoOfItsBuffer) {
  auto owner = std::make_unique<std::string>("payload");
  bool freed = false;
  struct Home {
    std::unique_ptr<std::string> text;
    bool* freed;
  };
  auto* home = new Home{std::move(owner), &freed};
  Record record({.topic = "t",
                 .partition = 0,
                 .offset = 0,
                 .timestamp = {},
                 .key = {},
                 .value = as_bytes(*home->text),
                 .headers = {}},
                Record::KeepAlive(home, [](void* memory) {
                  auto* mine = static_cast<Home*>(memory);
                  *mine->freed = true;
                  delete mine;
                }));
  auto moved = std::move(record);
  EXPECT_EQ(as_text(*moved.value()), "payload");
  EXPECT_FALSE(freed);
  moved = moved.detach();
  EXPECT_TRUE(freed);
  EXPECT_EQ(as_text(*moved.value()), "payload");
}

TEST(Record, SizeCountsKeyValueAndHeaders) { EXPECT_EQ(Record(sample()).size(), 5U); }

}  // namespace
}  // namespace kinbox

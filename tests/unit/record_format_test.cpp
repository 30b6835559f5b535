#include "cli/output/record_format.hpp"

#include <gmock/gmock.h>

#include <sstream>

#include "cli/usage_error.hpp"

namespace kinbox::cli {
namespace {

using ::testing::HasSubstr;

OwnedRecord record() {
  return {.topic = "orders",
          .partition = 3,
          .offset = 4211,
          .timestamp = Timestamp(std::chrono::milliseconds(1'700'000'000'123)),
          .key = "k1",
          .value = std::string("a\0\xFF", 3),
          .headers = {{"id", "e-1"}, {"empty", ""}, {"none", std::nullopt}}};
}

std::string printed(std::string_view format, const OwnedRecord& of = record()) {
  std::ostringstream out;
  RecordFormat(format).print(out, of);
  return out.str();
}

TEST(RecordFormat, HasKcatsTokens) {
  EXPECT_EQ(printed("Topic %t [%p] at offset %o: key %k (%K) at %T"),
            "Topic orders [3] at offset 4211: key k1 (2) at 1700000000123");
  EXPECT_EQ(printed("%h"), "id=e-1,empty=,none=NULL");
  EXPECT_EQ(printed("100%%|%%s"), "100%|%s");
}

TEST(RecordFormat, PrintsValuesByteForByteAndAddsNothing) {
  EXPECT_EQ(printed("%S:%s"), std::string("3:a\0\xFF", 5));
  EXPECT_EQ(printed("%R%s"), std::string("\0\0\0\3a\0\xFF", 7));
}

TEST(RecordFormat, TellsNullFromEmptyByItsLength) {
  auto null = record();
  null.key = std::nullopt;
  null.value = std::nullopt;
  null.timestamp = std::nullopt;
  null.headers.clear();
  EXPECT_EQ(printed("[%k|%K|%s|%S|%T|%h]", null), "[|-1||-1|-1|]");
  EXPECT_EQ(printed("%R", null), "\xFF\xFF\xFF\xFF");
  null.value = "";
  EXPECT_EQ(printed("%S", null), "0");
}

TEST(RecordFormat, HasEscapes) {
  EXPECT_EQ(printed("a\\n\\r\\t\\\\"), "a\n\r\t\\");
  EXPECT_EQ(printed("\\x41\\x0a\\101\\0b"), std::string("A\nA\0b", 5));
  EXPECT_EQ(printed("\\q\\xzz\\"), "qxzz\\");
}

TEST(RecordFormat, APercentSignByItsNumberBeginsNoToken) {
  EXPECT_EQ(printed("\\x25t"), "%t");
  EXPECT_EQ(printed("%t\\n"), "orders\n");
}

TEST(RecordFormat, RefusesATokenThatIsNone) {
  for (const auto* format : {"%z", "%", "%t%"}) {
    try {
      RecordFormat{format};
      FAIL() << format;
    } catch (const UsageError& e) {
      EXPECT_THAT(e.what(), HasSubstr("is no token; there are %t %p"));
    }
  }
}

}  // namespace
}  // namespace kinbox::cli

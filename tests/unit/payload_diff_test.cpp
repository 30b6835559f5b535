#include "cli/dlq/payload_diff.hpp"

#include <gmock/gmock.h>

namespace kinbox::cli {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

TEST(PayloadDiff, OfEqualPayloadsIsEmpty) { EXPECT_THAT(payload_diff("{}", "{}"), IsEmpty()); }

TEST(PayloadDiff, JsonIsComparedMemberByMemberAsItIsWritten) {
  EXPECT_EQ(payload_diff(R"({"id":"a,{\"b","total":12.50,"paid":true})",
                         R"({"id":"a,{\"b","total":12.5,"paid":true})"),
            " {\n"
            "   \"id\": \"a,{\\\"b\",\n"
            "-  \"total\": 12.50,\n"
            "+  \"total\": 12.5,\n"
            "   \"paid\": true\n"
            " }\n");
}

TEST(PayloadDiff, WhereOnlyWhiteSpaceDiffersTheTextsAreShown) {
  EXPECT_EQ(payload_diff(R"({"a":1})", R"({"a": 1})"), "-{\"a\":1}\n+{\"a\": 1}\n");
}

TEST(PayloadDiff, FarFromAChangeLinesAreLeftOut) {
  std::string before;
  for (int i = 0; i < 40; ++i) before += "line " + std::to_string(i) + '\n';
  auto after = before;
  after.replace(after.find("line 5\n"), 7, "LINE 5\n");
  after.replace(after.find("line 30\n"), 8, "");
  const auto diff = payload_diff(before, after);
  EXPECT_THAT(diff,
              AllOf(HasSubstr("-line 5\n+LINE 5\n line 6\n"), HasSubstr(" line 8\n...\n line 27\n"),
                    HasSubstr("-line 30\n"), Not(HasSubstr("line 20"))));
}

TEST(PayloadDiff, IsSafeForATerminal) {
  EXPECT_EQ(payload_diff("a", "\x1b[31m\xff"), "-a\n+\\x1b[31m\xEF\xBF\xBD\n");
}

TEST(PayloadDiff, OfThousandsOfLinesTakesNoTime) {
  std::string before;
  std::string after;
  for (int i = 0; i < 5000; ++i) {
    before += "b" + std::to_string(i) + '\n';
    after += "a" + std::to_string(i) + '\n';
  }
  EXPECT_THAT(payload_diff(before, after), AllOf(HasSubstr("-b4999\n"), HasSubstr("+a4999\n")));
}

}  // namespace
}  // namespace kinbox::cli

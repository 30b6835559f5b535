#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <sstream>

#include "cli/output/formatter.hpp"

namespace kinbox::cli {
namespace {

std::string written(const Table& table, OutputFormat format) {
  std::ostringstream out;
  write(out, table, format);
  return out.str();
}

Table partitions() {
  return {{{"topic"}, {"next_offset"}, {"owner", true}, {"reason"}},
          {{std::string("orders"), std::int64_t{42}, std::string("ab12"), std::monostate{}},
           {std::string("payments"), std::int64_t{7}, std::string("cd34"), std::string("gap")}}};
}

TEST(OutputTable, AlignsColumnsWithNumbersToTheRight) {
  EXPECT_EQ(written(partitions(), OutputFormat::kTable),
            "TOPIC     NEXT OFFSET  REASON\n"
            "orders             42  -\n"
            "payments            7  gap\n");
}

TEST(OutputTable, WideHasEveryColumn) {
  EXPECT_EQ(written(partitions(), OutputFormat::kWide),
            "TOPIC     NEXT OFFSET  OWNER  REASON\n"
            "orders             42  ab12   -\n"
            "payments            7  cd34   gap\n");
}

TEST(OutputTable, CutsTextsWhereTheirColumnSaysSoUnlessItIsWide) {
  const Table table{{{"a", false, 4}, {"b", false, 3}},
                    {{std::string("z\u00FCrich"), std::string("abc")}}};
  EXPECT_EQ(written(table, OutputFormat::kTable), "A     B\nz\u00FCr\u2026  abc\n");
  EXPECT_EQ(written(table, OutputFormat::kWide), "A       B\nz\u00FCrich  abc\n");
  EXPECT_EQ(written(table, OutputFormat::kCsv), "a,b\r\nz\u00FCrich,abc\r\n");
}

TEST(OutputTable, CountsCodePointsNotBytes) {
  const Table table{{{"a"}, {"b"}}, {{std::string("zürich"), true}, {std::string("x"), false}}};
  EXPECT_EQ(written(table, OutputFormat::kTable), "A       B\nzürich  true\nx       false\n");
}

TEST(OutputTable, SaysWhenThereIsNothing) {
  EXPECT_EQ(written({{{"a"}}, {}}, OutputFormat::kTable), "(nothing)\n");
}

TEST(OutputTable, LetsNoControlCharacterReachTheTerminal) {
  const Table table{{{"text"}}, {{std::string("a\x1b[31mb\nc\td\x7f\xC2\x9B")}}};
  EXPECT_EQ(written(table, OutputFormat::kTable), "TEXT\na\\x1b[31mb\\nc\\td\\x7f\\x9b\n");
}

TEST(OutputTable, ReplacesBytesThatAreNotUtf8) {
  // A lone continuation byte, an overlong slash, a surrogate, a truncated sequence.
  const Table table{{{"text"}}, {{std::string("\x80|\xC0\xAF|\xED\xA0\x80|\xE2\x82")}}};
  EXPECT_EQ(written(table, OutputFormat::kTable),
            "TEXT\n\uFFFD|\uFFFD\uFFFD|\uFFFD\uFFFD\uFFFD|\uFFFD\uFFFD\n");
}

TEST(OutputJson, IsOneArrayWithEveryColumn) {
  const auto parsed = nlohmann::json::parse(written(partitions(), OutputFormat::kJson));
  EXPECT_EQ(parsed, nlohmann::json::parse(R"([
    {"topic": "orders", "next_offset": 42, "owner": "ab12", "reason": null},
    {"topic": "payments", "next_offset": 7, "owner": "cd34", "reason": "gap"}])"));
}

TEST(OutputJson, OfNothingIsAnEmptyArray) {
  EXPECT_EQ(written({{{"a"}}, {}}, OutputFormat::kJson), "[]\n");
  EXPECT_EQ(written({{{"a"}}, {}}, OutputFormat::kJsonLines), "");
}

TEST(OutputJson, SurvivesTextThatIsNotUtf8) {
  const Table table{{{"a"}}, {{std::string("x\xFFy")}}};
  EXPECT_EQ(written(table, OutputFormat::kJsonLines), "{\"a\":\"x\uFFFDy\"}\n");
}

TEST(OutputJsonLines, IsOneObjectPerLineInColumnOrder) {
  EXPECT_EQ(written(partitions(), OutputFormat::kJsonLines),
            "{\"topic\":\"orders\",\"next_offset\":42,\"owner\":\"ab12\",\"reason\":null}\n"
            "{\"topic\":\"payments\",\"next_offset\":7,\"owner\":\"cd34\",\"reason\":\"gap\"}\n");
}

TEST(OutputCsv, QuotesAsRfc4180Says) {
  const Table table{{{"plain"}, {"odd,name"}},
                    {{std::string("a b"), std::string("say \"hi\"")},
                     {std::string("two\nlines"), std::monostate{}},
                     {1.5, true}}};
  EXPECT_EQ(written(table, OutputFormat::kCsv),
            "plain,\"odd,name\"\r\n"
            "a b,\"say \"\"hi\"\"\"\r\n"
            "\"two\nlines\",\r\n"
            "1.5,true\r\n");
}

}  // namespace
}  // namespace kinbox::cli

#include "cli/output/payload_text.hpp"

#include <gmock/gmock.h>

#include <nlohmann/json.hpp>
#include <random>

#include "cli/output/pretty_json.hpp"
#include "core/utf8.hpp"

namespace kinbox::cli {
namespace {

using ::testing::Eq;

TEST(PrettyJson, HasALineForEachMemberAndElement) {
  EXPECT_EQ(pretty_json(R"({"a":1,"b":[true,null],"c":{},"d":[ ],"e":{"f":"g"}})"),
            "{\n"
            "  \"a\": 1,\n"
            "  \"b\": [\n"
            "    true,\n"
            "    null\n"
            "  ],\n"
            "  \"c\": {},\n"
            "  \"d\": [],\n"
            "  \"e\": {\n"
            "    \"f\": \"g\"\n"
            "  }\n"
            "}");
}

TEST(PrettyJson, LeavesEveryTokenAsItIs) {
  EXPECT_EQ(pretty_json("[12.50, 1E+2, 9007199254740993,\"\\u00e9 { : , \\\" \"]"),
            "[\n  12.50,\n  1E+2,\n  9007199254740993,\n  \"\\u00e9 { : , \\\" \"\n]");
}

TEST(PrettyJson, TakesScalarsAByteOrderMarkAndAKeyThatIsThereTwice) {
  EXPECT_EQ(pretty_json(" 17 "), "17");
  EXPECT_EQ(pretty_json("\"a b\""), "\"a b\"");
  EXPECT_EQ(pretty_json("\xEF\xBB\xBF[]"), "[]");
  EXPECT_EQ(pretty_json(R"({"a":1,"a":2})"), "{\n  \"a\": 1,\n  \"a\": 2\n}");
}

TEST(PrettyJson, IsNothingForWhatIsNoJson) {
  for (const auto* text : {"", "{", "{\"a\":1,}", "01", "nul", "[1] x", "\"\xFF\""})
    EXPECT_THAT(pretty_json(text), Eq(std::nullopt)) << text;
  EXPECT_THAT(pretty_json(std::string(1'001, '[') + std::string(1'001, ']')), Eq(std::nullopt));
}

TEST(PrettyJson, ChangesWhiteSpaceAlone) {
  std::mt19937_64 random(8);
  const std::function<nlohmann::json(int)> any = [&](int depth) -> nlohmann::json {
    switch (random() % (depth > 4 ? 3 : 5)) {
      case 0:
        return static_cast<std::int64_t>(random());
      case 1:
        return std::string("\"\\{[,:]} \n").substr(random() % 8);
      case 2:
        return nullptr;
      case 3: {
        auto array = nlohmann::json::array();
        for (auto n = random() % 4; n > 0; --n) array.push_back(any(depth + 1));
        return array;
      }
      default: {
        auto object = nlohmann::json::object();
        for (auto n = random() % 4; n > 0; --n) object[std::to_string(n)] = any(depth + 1);
        return object;
      }
    }
  };
  for (int i = 0; i < 500; ++i) {
    const auto json = any(0);
    const auto pretty = pretty_json(json.dump());
    ASSERT_TRUE(pretty) << json;
    EXPECT_EQ(*pretty, json.dump(2)) << json;
  }
}

TEST(PayloadText, OfJsonIsLaidOut) {
  const auto shown = payload_text(R"({"total":12.50})");
  EXPECT_EQ(shown.form, "JSON");
  EXPECT_EQ(shown.lines, "{\n  \"total\": 12.50\n}\n");
}

TEST(PayloadText, OfTextIsItsLines) {
  const auto shown = payload_text("{broken\r\n\tcaf\u00E9\n");
  EXPECT_EQ(shown.form, "text");
  EXPECT_EQ(shown.lines, "{broken\n\tcaf\u00E9\n");
}

TEST(PayloadText, OfOtherBytesIsHexBesideWhatCanBePrinted) {
  const auto shown = payload_text(std::string("\0\0\0\0\7Avro \xFF|0123456789", 21));
  EXPECT_EQ(shown.form, "hex");
  EXPECT_EQ(shown.lines,
            "00000000  00 00 00 00 07 41 76 72  6f 20 ff 7c 30 31 32 33  |.....Avro .|0123|\n"
            "00000010  34 35 36 37 38                                    |45678|\n");
}

TEST(PayloadText, TellsNullFromEmpty) {
  EXPECT_EQ(payload_text(std::nullopt).form, "null");
  EXPECT_EQ(payload_text("").form, "empty");
  EXPECT_EQ(payload_text("").lines, "");
}

TEST(PayloadText, LetsNothingReachTheTerminalThatMovesIt) {
  EXPECT_EQ(payload_text("\"\xC2\x9B"
                         "31m\"")
                .lines,
            "\"\\x9b31m\"\n");
  EXPECT_EQ(payload_text("\x1B[31m").form, "hex");
  EXPECT_EQ(payload_text("a\x7F").form, "hex");
  EXPECT_EQ(payload_text("a\rb").lines, "a\\rb\n");
}

TEST(PayloadText, TakesAnyBytes) {
  std::mt19937_64 random(9);
  for (int i = 0; i < 2'000; ++i) {
    std::string bytes;
    for (auto n = random() % 40; n > 0; --n)
      bytes +=
          random() % 2 == 0 ? "{}[]\":,\\1e \n"[random() % 12] : static_cast<char>(random() % 256);
    const auto shown = payload_text(bytes);
    EXPECT_TRUE(is_utf8(shown.lines)) << shown.lines;
    for (const char c : shown.lines)
      EXPECT_TRUE(static_cast<unsigned char>(c) >= 0x20 || c == '\n' || c == '\t') << shown.lines;
  }
}

}  // namespace
}  // namespace kinbox::cli

#include "core/json_document.hpp"

#include <gtest/gtest.h>

#include <cstdio>
#include <nlohmann/json.hpp>
#include <random>

#include "core/utf8.hpp"

namespace kinbox {
namespace {

bool accepts(std::string_view text, int depth = 64) {
  return std::holds_alternative<JsonDocument>(read_json(text, {.max_depth = depth}));
}

JsonDocument document(std::string_view text, std::size_t elements = 0) {
  return std::get<JsonDocument>(read_json(text, {.max_depth = 64, .elements = elements}));
}

TEST(JsonDocument, AcceptsEveryKindOfValue) {
  for (const char* text : {"{}", "[]", R"("")", "0", "-0", "1.5e+10", "1E-2", "true", "false",
                           "null", " [ 1 , { \"a\" : [ ] } ]\r\n\t"})
    EXPECT_TRUE(accepts(text)) << text;
}

TEST(JsonDocument, RefusesWhatIsNoJson) {
  for (const char* text : {"",
                           " ",
                           "{",
                           "[",
                           "\"",
                           "{]",
                           "[}",
                           "[1,]",
                           "[,1]",
                           "{\"a\"}",
                           "{\"a\":}",
                           "{\"a\":1,}",
                           "{a:1}",
                           "{xa\":1}",
                           "{1:1}",
                           "{,}",
                           "01",
                           "+1",
                           "1.",
                           ".5",
                           "1e",
                           "1e+",
                           "-",
                           "--1",
                           "tru",
                           "trux",
                           "nul",
                           "falsee",
                           "NaN",
                           "Infinity",
                           "1 2",
                           "[1 2]",
                           "{\"a\" 1}",
                           "'a'",
                           "\"a\tb\"",
                           "\"\\x\"",
                           "\"\\u12\"",
                           "\"\\u12G4\"",
                           "\"\\u+123\"",
                           "\"\\\"",
                           "\"\\ud800\"",
                           "\"\\udc00\"",
                           "\"\\ud800\\n\"",
                           "\"\\ud800\\u0041\"",
                           "\"\xFF\"",
                           "\"\x80\"",
                           "\"\xC0\x80\"",
                           "// c\n1",
                           "[1]//"})
    EXPECT_FALSE(accepts(text)) << text;
  EXPECT_FALSE(accepts(std::string_view("\"\0\"", 3)));
}

// Each prefix has a home of its own size, so that the address sanitizer sees a step too far.
TEST(JsonDocument, ReadsNothingBehindItsText) {
  for (const std::string_view text :
       {R"([12345, true, "\u0041\n\ud83d\ude00", {"a":null}])", "[false]"}) {
    for (std::size_t size = 0; size < text.size(); ++size) {
      const std::vector<char> home(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(size));
      EXPECT_FALSE(accepts({home.data(), home.size()})) << text.substr(0, size);
    }
    EXPECT_TRUE(accepts(text));
  }
  EXPECT_EQ(document(std::string_view("12345").substr(0, 3)).root.token, "123");
}

/// Whether an ASCII text with `odd` in it may stand in a string.
bool may_stand_in_a_string(unsigned char odd) {
  return odd >= 0x20 && odd < 0x80 && odd != '"' && odd != '\\';
}

// The reader goes over eight bytes at once: each byte counts at each place.
TEST(JsonDocument, SeesEveryByteOfAString) {
  for (std::size_t size = 1; size <= 17; ++size)
    for (std::size_t place = 0; place < size; ++place)
      for (unsigned odd = 0; odd < 256; ++odd) {
        std::string text(size, 'a');
        text[place] = static_cast<char>(odd);
        const bool may = may_stand_in_a_string(static_cast<unsigned char>(odd));
        const auto token = '"' + text + '"';
        EXPECT_EQ(accepts('[' + token + ",0]"), may) << size << ' ' << place << ' ' << odd;
        if (!may) continue;
        EXPECT_EQ(document('[' + token + "]", 1).children[0].value.token, token);
      }
}

TEST(JsonDocument, GoesOnBehindAnEscapeAndBehindLongCharacters) {
  for (std::size_t before = 0; before <= 9; ++before)
    for (std::size_t after = 0; after <= 9; ++after)
      for (const std::string middle : {"\\n", "\\\"", "\\u00e9", "\xC3\xA9", "\xF0\x9F\x98\x80"}) {
        const auto token = '"' + std::string(before, ' ') + middle + std::string(after, '~') + '"';
        EXPECT_EQ(document('[' + token + "]", 1).children.at(0).value.token, token);
        EXPECT_FALSE(accepts('[' + token.substr(0, token.size() - 1)));
      }
}

std::string as_escapes(std::uint32_t point) {
  char text[16];
  if (point < 0x10000)
    std::snprintf(text, sizeof text, "\"\\u%04x\"", point);
  else
    std::snprintf(text, sizeof text, "\"\\u%04X\\u%04x\"", 0xD7C0 + (point >> 10),
                  0xDC00 + (point & 0x3FF));
  return text;
}

TEST(JsonString, ReadsEveryCodePointFromItsEscapesAndNoHalfOfOne) {
  for (std::uint32_t point = 0; point <= 0x10FFFF; ++point) {
    const auto text = as_escapes(point);
    const bool half = point >= 0xD800 && point <= 0xDFFF;
    ASSERT_EQ(accepts(text), !half) << text;
    if (half) continue;
    std::string expected;
    append_utf8(expected, point);
    ASSERT_EQ(json_string(document(text).root.token), expected) << text;
  }
}

TEST(JsonDocument, GivesTheFirstLevelWithItsTokens) {
  const auto read = document(R"({"a" : 1.0, "b":{"c":[1]}})");
  ASSERT_EQ(read.children.size(), 2U);
  EXPECT_EQ(read.children[0].key, "a");
  EXPECT_EQ(read.children[0].value.token, "1.0");
  EXPECT_EQ(read.children[1].value.token, R"({"c":[1]})");
  EXPECT_EQ(read.children[1].value.kind, JsonKind::kObject);
}

TEST(JsonDocument, RemembersAsManyElementsAsAsked) {
  EXPECT_EQ(document("[1,2,3]").children.size(), 0U);
  EXPECT_EQ(document("[1,2,3]", 2).children.size(), 2U);
  EXPECT_EQ(document("[1,2,3]", 9).children.size(), 3U);
}

TEST(JsonDocument, FindsMembersByTheirUnescapedName) {
  const auto read = document(R"({"\u0069d":1})");
  ASSERT_TRUE(read.member("id"));
  EXPECT_EQ(read.member("id")->token, "1");
  EXPECT_FALSE(read.member("\\u0069d"));
  EXPECT_FALSE(document("[1]", 1).member(""));
}

TEST(JsonDocument, RefusesDuplicateKeysInTheRootOnly) {
  const auto fault = [](const char* text) { return std::get<JsonFault>(read_json(text, {})); };
  EXPECT_EQ(fault(R"({"a":1,"b":2,"a":3})"), JsonFault::kDuplicateKey);
  EXPECT_EQ(fault(R"({"a/":1,"a\/":3})"), JsonFault::kDuplicateKey);
  std::string many = "{";
  for (int i = 0; i < 20; ++i) many += "\"k" + std::to_string(i) + "\":1,";
  EXPECT_TRUE(accepts(many + R"("k20":1})"));
  EXPECT_EQ(fault((many + R"("k0":1})").c_str()), JsonFault::kDuplicateKey);
  EXPECT_TRUE(accepts(R"({"a":{"b":1,"b":1}})"));
  EXPECT_TRUE(accepts(R"([{"b":1,"b":1}])"));
}

TEST(JsonDocument, CountsDepthInContainers) {
  EXPECT_TRUE(accepts("[[1]]", 2));
  EXPECT_FALSE(accepts("[[[1]]]", 2));
  EXPECT_TRUE(accepts(R"({"a":{"a":1}})", 2));
  EXPECT_FALSE(accepts(R"({"a":{"a":{"a":1}}})", 2));
  EXPECT_EQ(std::get<JsonFault>(read_json("[[[1]]]", {.max_depth = 2})), JsonFault::kTooDeep);
  EXPECT_TRUE(
      accepts(std::string(kMaxJsonDepth, '[') + std::string(kMaxJsonDepth, ']'), kMaxJsonDepth));
}

TEST(JsonNumber, IsToldFromOtherTexts) {
  for (const char* number : {"0", "-1", "12.50", "1e5"}) EXPECT_TRUE(is_json_number(number));
  for (const char* other : {"", "1 ", " 1", "01", "1,5", "abc", "1.", "0x1"})
    EXPECT_FALSE(is_json_number(other)) << other;
}

TEST(Utf8, AgreesWithTheDefinitionOnEverySequenceOfTwoBytesAndEveryCodePoint) {
  for (std::uint32_t point = 0; point <= 0x10FFFF; ++point) {
    if (point >= 0xD800 && point <= 0xDFFF) continue;
    std::string text;
    append_utf8(text, point);
    ASSERT_EQ(utf8_sequence(text.data(), text.data() + text.size()), text.size()) << point;
    // Cut short, it is none.
    const bool shortened = text.size() > 1 && is_utf8(text.substr(0, text.size() - 1));
    ASSERT_FALSE(shortened) << point;
  }
  for (const char* bad :
       {"\x80", "\xC0\xAF", "\xC1\xBF", "\xE0\x9F\xBF", "\xED\xA0\x80", "\xED\xBF\xBF",
        "\xF0\x8F\xBF\xBF", "\xF4\x90\x80\x80", "\xF5\x80\x80\x80", "\xFF", "\xE2\x82",
        "\xE2\x28\xA1", "\xF0\x9F\x98\x28", "12345678\x80"})
    EXPECT_FALSE(is_utf8(bad)) << bad;
  EXPECT_TRUE(is_utf8(""));
  EXPECT_TRUE(is_utf8("12345678\xC3\xA9 and more text after it"));
}

/// One text that JSON's grammar could almost have made.
std::string almost_json(std::mt19937& random) {
  static const std::vector<std::string> kPieces{"{",           "}",
                                                "[",           "]",
                                                ",",           ":",
                                                "\"a\"",       "\"b\"",
                                                "\"\\u0061\"", "\"\\ud83d\\ude00\"",
                                                "\"\\ud800\"", "1",
                                                "-0.5e3",      "01",
                                                "true",        "null",
                                                " ",           "\"",
                                                "\\",          "\xC3\xA9",
                                                "\xFF",        "\n",
                                                "0",           "."};
  std::string text;
  for (auto pieces = random() % 10; pieces-- > 0;) text += kPieces[random() % kPieces.size()];
  return text;
}

std::string mutated(std::string text, std::mt19937& random) {
  for (auto changes = random() % 3 + 1; changes-- > 0 && !text.empty();) {
    const auto at = random() % text.size();
    switch (random() % 3) {
      case 0:
        text[at] = static_cast<char>(random());
        break;
      case 1:
        text.erase(at, random() % 4);
        break;
      default:
        text.insert(at, text.substr(random() % text.size(), random() % 6));
    }
  }
  return text;
}

/// What another parser says; it has no limit of depth and does not mind duplicate keys.
void expect_agreement(const std::string& text) {
  const auto ours = read_json(text, {.max_depth = kMaxJsonDepth});
  const auto* fault = std::get_if<JsonFault>(&ours);
  const bool accepted = !fault || *fault == JsonFault::kDuplicateKey;
  const bool overflow = text.find('e') != std::string::npos || text.find('E') != std::string::npos;
  const bool theirs = nlohmann::json::accept(text);
  // A number beyond double's range is JSON to us: tokens have no range.
  if (accepted && !theirs && overflow) return;
  ASSERT_EQ(accepted, theirs) << text;
  if (fault || !theirs) return;
  const auto tree = nlohmann::json::parse(text);
  const auto& document = std::get<JsonDocument>(ours);
  if (!tree.is_object()) return;
  ASSERT_EQ(tree.size(), document.children.size()) << text;
  for (const auto& [name, value] : tree.items()) {
    const auto* member = document.member(name);
    ASSERT_TRUE(member) << text;
    ASSERT_EQ(nlohmann::json::parse(member->token), value) << text;
    if (!value.is_string()) continue;
    ASSERT_EQ(json_string(member->token), value.get<std::string>()) << text;
  }
}

TEST(JsonDocument, AgreesWithAnotherParserOnMutatedTexts) {
  const std::string order =
      R"({"eventId":"e-1","eventType":"ORDER_CREATED","orderId":17,"buyer":{"name":"Zoë \u00e9\ud83d\ude00"},)"
      R"("sellerIds":["a","b"],"totalAmount":12.50,"gift":false,"note":null,"n":-1.5e-3})";
  std::mt19937 random(20240611);
  for (int i = 0; i < 60'000; ++i) {
    expect_agreement(mutated(order, random));
    expect_agreement(almost_json(random));
    if (HasFatalFailure()) return;
  }
}

}  // namespace
}  // namespace kinbox

// How texts, headers, times and bytes look in the database.
#include <gmock/gmock.h>

#include "core/base64.hpp"
#include "core/header_codec.hpp"
#include "core/iso_time.hpp"
#include "core/storable_text.hpp"
#include "kinbox/errors.hpp"

namespace kinbox {
namespace {

TEST(Base64, MatchesRfc4648) {
  const std::vector<std::pair<std::string, std::string>> kVectors{{"", ""},
                                                                  {"f", "Zg=="},
                                                                  {"fo", "Zm8="},
                                                                  {"foo", "Zm9v"},
                                                                  {"foob", "Zm9vYg=="},
                                                                  {"fooba", "Zm9vYmE="},
                                                                  {"foobar", "Zm9vYmFy"}};
  for (const auto& [bytes, text] : kVectors) {
    EXPECT_EQ(base64_encode(bytes), text);
    EXPECT_EQ(base64_decode(text), bytes);
  }
}

TEST(Base64, RoundTripsEveryByte) {
  std::string all;
  for (int byte = 0; byte < 256; ++byte) all += static_cast<char>(byte);
  EXPECT_EQ(base64_decode(base64_encode(all)), all);
}

TEST(Base64, RefusesWhatIsNone) {
  for (const auto* text : {"Zg=", "Zg!=", "=Zg="}) EXPECT_THROW(base64_decode(text), Error) << text;
}

TEST(HeaderCodec, KeepsOrderRepeatsNullsAndOddNames) {
  const std::string binary("\xFF\x00", 2);
  const std::vector<Header> headers{{"a", as_bytes("1")},
                                    {"a", std::nullopt},
                                    {"", as_bytes("")},
                                    {binary, as_bytes(binary)},
                                    {std::string_view("n\0l", 3), std::nullopt}};
  const auto text = encode_headers(headers);
  EXPECT_TRUE(is_storable_text(text));
  const auto decoded = decode_headers(text);
  ASSERT_EQ(decoded.size(), headers.size());
  for (std::size_t i = 0; i < headers.size(); ++i) {
    EXPECT_EQ(decoded[i].name, headers[i].name);
    EXPECT_EQ(decoded[i].value.has_value(), headers[i].value.has_value());
    if (decoded[i].value) {
      EXPECT_EQ(*decoded[i].value, as_text(*headers[i].value));
    }
  }
}

TEST(HeaderCodec, SaysThatAStoredListIsDamaged) {
  for (const auto* text : {"", "{", "[[1,2]]", "[[\"a\"]]", "[[null,null]]"})
    EXPECT_THROW(decode_headers(text), Error) << text;
}

TEST(StorableText, ReplacesWhatDatabasesRefuse) {
  EXPECT_EQ(storable_text(std::string_view("a\0b", 3), 100),
            "a\xEF\xBF\xBD"
            "b");
  EXPECT_EQ(storable_text("ok\xC3", 100), "ok\xEF\xBF\xBD");
  EXPECT_EQ(storable_text("\xED\xA0\x80", 100), "\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD");
  EXPECT_EQ(storable_text("grün", 100), "grün");
}

TEST(StorableText, CutsAtTheEndOfACharacter) {
  EXPECT_EQ(storable_text("grün", 3), "gr");
  EXPECT_EQ(storable_text("grün", 4), "grü");
}

TEST(IsoTime, IsUtcWithMilliseconds) {
  EXPECT_EQ(iso_text(Timestamp{std::chrono::milliseconds{1700000000123}}),
            "2023-11-14T22:13:20.123Z");
  EXPECT_EQ(iso_text(Timestamp{std::chrono::milliseconds{-1}}), "1969-12-31T23:59:59.999Z");
}

}  // namespace
}  // namespace kinbox

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "kinbox/errors.hpp"
#include "kinbox/json.hpp"
#include "support/decoding.hpp"

namespace kinbox::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

/// An event with this payload, and its JSON.
class Payload {
 public:
  explicit Payload(std::optional<std::string> value, int max_depth = 64)
      : record_(order_record(std::move(value), {{"id", "e-1"}, {"ce_type", "T"}})),
        json_(record_.event(), max_depth) {}
  const JsonPayload* operator->() const { return &json_; }

 private:
  DecodedRecord record_;
  JsonPayload json_;
};

template <typename Call>
std::string refusal(Call call) {
  try {
    call();
  } catch (const PermanentError& error) {
    return error.what();
  }
  return "accepted";
}

TEST(JsonPayload, GivesTextsAndNumbersAsWritten) {
  const Payload payload(R"({"s":"caf\u00e9","n":4711,"f":12.50})");
  EXPECT_EQ(payload->text("/s"), "caf\xC3\xA9");
  EXPECT_EQ(payload->text("/n"), "4711");
  EXPECT_EQ(payload->text("/f"), "12.50");
}

TEST(JsonPayload, NamesTheFieldThatIsMissing) {
  const Payload payload(R"({"a":{"b":null}})");
  EXPECT_EQ(refusal([&] { payload->text("/orderId"); }), R"(payload has no "/orderId")");
  EXPECT_EQ(refusal([&] { payload->text("/a/c"); }), R"(payload has no "/a/c")");
}

TEST(JsonPayload, NamesTheFieldOfTheWrongKindAndNotItsValue) {
  const Payload payload(R"({"n":null,"o":{"secret":1},"b":true,"s":"secret","a":["x",[]]})");
  EXPECT_EQ(refusal([&] { payload->text("/n"); }),
            R"(payload: "/n" is null, not a string or a number)");
  EXPECT_EQ(refusal([&] { payload->text("/o"); }),
            R"(payload: "/o" is an object, not a string or a number)");
  EXPECT_EQ(refusal([&] { payload->integer("/s"); }), R"(payload: "/s" is a string, not a number)");
  EXPECT_EQ(refusal([&] { payload->decimal("/s"); }), R"(payload: "/s" is not a decimal number)");
  EXPECT_EQ(refusal([&] { payload->boolean("/s"); }),
            R"(payload: "/s" is a string, not a boolean)");
  EXPECT_EQ(refusal([&] { payload->texts("/b"); }), R"(payload: "/b" is a boolean, not an array)");
  EXPECT_EQ(refusal([&] { payload->texts("/a"); }),
            R"(payload: "/a/1" is an array, not a string or a number)");
}

TEST(JsonPayload, GivesNothingForAnOptionalFieldThatIsAbsentOrNull) {
  const Payload payload(R"({"n":null,"s":"x","o":{}})");
  EXPECT_EQ(payload->optional_text("/missing"), std::nullopt);
  EXPECT_EQ(payload->optional_text("/n"), std::nullopt);
  EXPECT_EQ(payload->optional_text("/s"), "x");
  EXPECT_NE(refusal([&] { payload->optional_text("/o"); }), "accepted");
}

TEST(JsonPayload, ReadsWholeNumbersOf64Bits) {
  const Payload payload(
      R"({"max":9223372036854775807,"min":-9223372036854775808,"over":9223372036854775808,)"
      R"("point":1.0,"exp":1e3})");
  EXPECT_EQ(payload->integer("/max"), std::numeric_limits<std::int64_t>::max());
  EXPECT_EQ(payload->integer("/min"), std::numeric_limits<std::int64_t>::min());
  for (const char* pointer : {"/over", "/point", "/exp"})
    EXPECT_NE(refusal([&] { payload->integer(pointer); }), "accepted") << pointer;
}

TEST(JsonPayload, KeepsMoneysToken) {
  const Payload payload(R"({"a":0.10,"b":"12.50","c":12345678901234567890.123456789,"d":"1,5"})");
  EXPECT_EQ(payload->decimal("/a"), "0.10");
  EXPECT_EQ(payload->decimal("/b"), "12.50");
  EXPECT_EQ(payload->decimal("/c"), "12345678901234567890.123456789");
  EXPECT_NE(refusal([&] { payload->decimal("/d"); }), "accepted");
}

TEST(JsonPayload, CountsMoneyInItsSmallestUnitOrRefusesTo) {
  const Payload payload(R"({"a":129.90,"b":"12.5","c":0.001,"of":[{"p":"1.005"}],"t":"x"})");
  EXPECT_EQ(payload->minor_units("/a"), 12990);
  EXPECT_EQ(payload->minor_units("/b"), 1250);
  EXPECT_EQ(payload->minor_units("/c", 3), 1);
  EXPECT_EQ(refusal([&] { payload->minor_units("/c"); }),
            R"(payload: "/c" has more than 2 decimals, or is too large)");
  EXPECT_EQ(refusal([&] { payload->elements("/of")[0].minor_units("/p"); }),
            R"(payload: "/of/0/p" has more than 2 decimals, or is too large)");
  EXPECT_EQ(refusal([&] { payload->minor_units("/t"); }),
            R"(payload: "/t" is not a decimal number)");
}

TEST(JsonPayload, ReadsArraysOfTexts) {
  const Payload payload(R"({"ids":["a",7,"\u0062"],"none":[]})");
  EXPECT_THAT(payload->texts("/ids"), ElementsAre("a", "7", "b"));
  EXPECT_THAT(payload->texts("/none"), IsEmpty());
}

TEST(JsonPayload, ReadsTheElementsOfAnArrayEachByItself) {
  const Payload payload(R"({"items":[{"id":"a","n":2,"of":{"p":"1.50"}}, "text", {"id":7}]})");
  const auto items = payload->elements("/items");
  ASSERT_EQ(items.size(), 3U);
  EXPECT_EQ(items[0].text("/id"), "a");
  EXPECT_EQ(items[0].integer("/n"), 2);
  EXPECT_EQ(items[0].decimal("/of/p"), "1.50");
  EXPECT_EQ(items[1].text(""), "text");
  EXPECT_EQ(items[2].text("/id"), "7");
  EXPECT_THAT(Payload(R"({"none":[]})")->elements("/none"), IsEmpty());
}

TEST(JsonPayload, SaysOfAnElementWhereInThePayloadItIs) {
  const Payload payload(R"({"lines":[[{"id":[]}],[{"n":"x","m":0.5,"m2":{"a":1,"a":2}}]]})");
  const auto lines = payload->elements("/lines");
  const auto first = lines[0].elements("");
  EXPECT_EQ(refusal([&] { first[0].text("/x"); }), R"(payload has no "/lines/0/0/x")");
  EXPECT_EQ(refusal([&] { first[0].text("/id"); }),
            R"(payload: "/lines/0/0/id" is an array, not a string or a number)");
  EXPECT_EQ(refusal([&] { first[0].optional_text("/id"); }),
            R"(payload: "/lines/0/0/id" is an array, not a string or a number)");
  EXPECT_EQ(refusal([&] { first[0].texts("/id/0"); }), R"(payload has no "/lines/0/0/id/0")");
  const auto second = lines[1].elements("");
  EXPECT_EQ(refusal([&] { second[0].integer("/n"); }),
            R"(payload: "/lines/1/0/n" is a string, not a number)");
  EXPECT_EQ(refusal([&] { second[0].integer("/m"); }),
            R"(payload: "/lines/1/0/m" is not a whole number of 64 bits)");
  EXPECT_EQ(refusal([&] { second[0].decimal("/n"); }),
            R"(payload: "/lines/1/0/n" is not a decimal number)");
  EXPECT_EQ(refusal([&] { second[0].boolean("/n"); }),
            R"(payload: "/lines/1/0/n" is a string, not a boolean)");
  EXPECT_EQ(refusal([&] { second[0].texts("/n"); }),
            R"(payload: "/lines/1/0/n" is a string, not an array)");
  EXPECT_EQ(refusal([&] { second[0].text("/m2/a"); }),
            R"(payload: "/lines/1/0/m2/a" lies in an object with a key twice)");
}

TEST(JsonPayload, RefusesElementsOfWhatIsNoArrayOrHoldsAKeyTwice) {
  const Payload payload(R"({"n":1,"a":[{},{"b":1,"b":2}]})");
  EXPECT_EQ(refusal([&] { payload->elements("/n"); }),
            R"(payload: "/n" is a number, not an array)");
  EXPECT_EQ(refusal([&] { payload->elements("/m"); }), R"(payload has no "/m")");
  EXPECT_EQ(refusal([&] { payload->elements("/a"); }), R"(payload: "/a/1" holds a key twice)");
}

TEST(JsonPayload, ReadsBooleansAndRawJson) {
  const Payload payload(R"({"yes":true,"no":false,"items":[ {"a": 1.0} ]})");
  EXPECT_TRUE(payload->boolean("/yes"));
  EXPECT_FALSE(payload->boolean("/no"));
  EXPECT_EQ(payload->json("/items"), R"([ {"a": 1.0} ])");
  EXPECT_EQ(payload->json("/items/0/a"), "1.0");
}

TEST(JsonPayload, MustBeThereAndBeJson) {
  const auto reading = [](std::optional<std::string> value) {
    return refusal([&] { Payload payload(value); });
  };
  EXPECT_EQ(reading(std::nullopt), "payload is null (a tombstone)");
  EXPECT_EQ(reading("<xml/>"), "payload is not JSON");
  EXPECT_EQ(reading(R"({"a":1,"a":2})"), "payload holds a key twice");
  EXPECT_EQ(reading(std::string(65, '[') + std::string(65, ']')),
            "payload is nested deeper than 64 levels");
  EXPECT_EQ(reading("{}"), "accepted");
}

TEST(JsonPayload, MayBeAllowedToBeDeeperButNotWithoutEnd) {
  const std::string deep = std::string(1000, '[') + std::string(1000, ']');
  EXPECT_EQ(refusal([&] { Payload payload(deep, 1000); }), "accepted");
  EXPECT_NE(refusal([&] { Payload payload("[" + deep + "]", 1 << 30); }), "accepted");
}

TEST(JsonPayload, RefusesAKeyThatStandsTwiceOnTheWay) {
  const Payload payload(R"({"a":{"b":1,"b":2}})");
  EXPECT_EQ(refusal([&] { payload->text("/a/b"); }),
            R"(payload: "/a/b" lies in an object with a key twice)");
}

TEST(JsonPayload, TellsAPointerThatIsNone) {
  const Payload payload("{}");
  EXPECT_THROW(payload->text("orderId"), ConfigurationError);
}

TEST(JsonPayload, CanBeMoved) {
  const DecodedRecord record(order_record(R"({"a":"x"})", {{"id", "e-1"}}));
  JsonPayload first(record.event());
  JsonPayload second(std::move(first));
  first = std::move(second);
  EXPECT_EQ(first.text("/a"), "x");
}

// The payload was read already, to find the event's id in it.
class JsonPayloadOfAnEventIdentifiedByIt : public ::testing::Test {
 protected:
  static DecodedRecord decoded(std::string value) { return DecodedRecord(order_record(value)); }
};

TEST_F(JsonPayloadOfAnEventIdentifiedByIt, IsNotReadAgain) {
  const auto record = decoded(R"({"eventId":"e-1","a":{"b":["x"]}})");
  ASSERT_TRUE(record.event().json());
  const auto event = record.event();
  EXPECT_EQ(JsonPayload(event).texts("/a/b"), std::vector<std::string>{"x"});
  EXPECT_EQ(event.json().use_count(), 2);
}

TEST_F(JsonPayloadOfAnEventIdentifiedByIt, IsReadInsideItsWrapping) {
  const auto connect = decoded(R"({"schema":null,"payload":{"eventId":"e-1","a":1}})");
  ASSERT_TRUE(connect.event().json());
  EXPECT_EQ(JsonPayload(connect.event()).integer("/a"), 1);
  const auto string = decoded(R"("{\"eventId\":\"e\",\"a\":1}")");
  EXPECT_EQ(JsonPayload(string.event()).integer("/a"), 1);
}

TEST_F(JsonPayloadOfAnEventIdentifiedByIt, IsHeldToAStricterDepth) {
  const auto record = decoded(R"({"eventId":"e-1","a":[[[]]]})");
  EXPECT_EQ(refusal([&] { JsonPayload(record.event(), 3); }),
            "payload is nested deeper than 3 levels");
  EXPECT_EQ(refusal([&] { JsonPayload(record.event(), 4); }), "accepted");
}

TEST(JsonPayload, IsReadWhenAHeaderHasTheIdentity) {
  const DecodedRecord record(order_record(R"({"a":1})", {{"id", "e-1"}, {"ce_type", "T"}}));
  EXPECT_FALSE(record.event().json());
  EXPECT_EQ(JsonPayload(record.event()).integer("/a"), 1);
}

}  // namespace
}  // namespace kinbox::testing

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "kinbox/errors.hpp"
#include "kinbox/event_decoder.hpp"
#include "support/decoding.hpp"

namespace kinbox::testing {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

std::string id_of(OwnedRecord record, const IdentityRules& rules = {}) {
  return DecodedRecord(rules, std::move(record)).event().id();
}

std::string reason_of(OwnedRecord record, const IdentityRules& rules = {}) {
  return DecodedRecord(rules, std::move(record)).reason();
}

std::string detail_of(OwnedRecord record, const IdentityRules& rules = {}) {
  return DecodedRecord(rules, std::move(record)).poison().detail;
}

TEST(EventId, IsThePayloadsEventIdByDefault) {
  EXPECT_EQ(id_of(order_record(R"({"eventId":"e-17","x":1})")), "e-17");
}

TEST(EventId, IsCloudEventsSourceAndIdFromHeaders) {
  EXPECT_EQ(id_of(order_record("<xml/>", {{"ce_source", "urn:shop"}, {"ce_id", "17"}})),
            "urn:shop 17");
}

TEST(EventId, OfACloudEventIsNoIdWithoutItsSource) {
  const auto record = order_record(R"({"eventId":"e-17"})", {{"ce_id", "17"}});
  EXPECT_EQ(reason_of(record), "invalid_event_id");
  EXPECT_THAT(detail_of(record), HasSubstr("without a source"));
}

TEST(EventId, IgnoresACloudEventsSourceThatComesWithoutId) {
  EXPECT_EQ(id_of(order_record(R"({"eventId":"e-17"})", {{"ce_source", "urn:shop"}})), "e-17");
}

TEST(EventId, RefusesASourceThatWouldMakeItAmbiguous) {
  EXPECT_EQ(reason_of(order_record("x", {{"ce_source", "a b"}, {"ce_id", "c"}})),
            "invalid_event_id");
  EXPECT_EQ(reason_of(order_record("x", {{"ce_source", ""}, {"ce_id", "c"}})), "invalid_event_id");
  EXPECT_EQ(reason_of(order_record("x", {{"ce_source", "a"}, {"ce_id", ""}})), "invalid_event_id");
}

TEST(EventId, IsCloudEventsSourceAndIdFromTheEnvelope) {
  const std::string envelope =
      R"({"specversion":"1.0","id":"17","source":"urn:shop","type":"T","data":{}})";
  for (const char* type :
       {"application/cloudevents+json", "application/cloudevents+json; charset=UTF-8",
        "Application/CloudEvents+JSON ;charset=utf-8", " application/cloudevents+json"})
    EXPECT_EQ(id_of(order_record(envelope, {{"content-type", type}})), "urn:shop 17") << type;
  EXPECT_EQ(reason_of(order_record(envelope, {{"content-type", "application/json"}})),
            "missing_event_id");
}

TEST(EventId, OfAnEnvelopeIsChecked) {
  const auto reason = [](const std::string& envelope) {
    return reason_of(order_record(envelope, {{"content-type", "application/cloudevents+json"}}));
  };
  EXPECT_EQ(reason(R"({"id":"17"})"), "invalid_event_id");
  EXPECT_EQ(reason(R"({"id":null,"source":"s"})"), "invalid_event_id");
  EXPECT_EQ(reason(R"({"id":"17","source":[]})"), "invalid_event_id");
  EXPECT_EQ(reason(R"({"source":"s"})"), "missing_event_id");
}

TEST(EventId, IsTheHeaderIdThatDebeziumsOutboxRouterWrites) {
  EXPECT_EQ(id_of(order_record("\x01\x02", {{"id", "5f1e"}})), "5f1e");
}

TEST(EventId, IsTheHeaderOfEventuateMassTransitOrAxon) {
  for (const char* name : {"ID", "MessageId", "axon-message-id"})
    EXPECT_EQ(id_of(order_record(R"({"eventId":"e-17"})", {{name, "m-1"}})), "m-1") << name;
}

TEST(EventId, IsOfTheFirstPlaceOfTheDefaultOrder) {
  TestHeaders headers{{"axon-message-id", "axon"}};
  const auto id = [&] { return id_of(order_record("x", headers)); };
  EXPECT_EQ(id(), "axon");
  headers.push_back({"MessageId", "mass-transit"});
  EXPECT_EQ(id(), "mass-transit");
  headers.push_back({"ID", "eventuate"});
  EXPECT_EQ(id(), "eventuate");
  headers.push_back({"id", "debezium"});
  EXPECT_EQ(id(), "debezium");
  headers.push_back({"ce_source", "urn:shop"});
  headers.push_back({"ce_id", "cloud"});
  EXPECT_EQ(id(), "urn:shop cloud");
}

TEST(EventId, IsNoHeaderThatOnlyLooksAlike) {
  for (const char* name : {"Id", "messageId", "Axon-Message-Id"})
    EXPECT_EQ(id_of(order_record(R"({"eventId":"e-17"})", {{name, "m-1"}})), "e-17") << name;
}

TEST(EventId, IsFoundInAProducersOwnHeadersByItsPointer) {
  EXPECT_EQ(id_of(order_record(R"({"payload":"{}","headers":{"ID":"m-1"}})"),
                  rules_with_id({id_from_pointer("/headers/ID")})),
            "m-1");
}

TEST(EventId, IsTheLastOfRepeatedHeaders) {
  EXPECT_EQ(id_of(order_record("x", {{"id", "first"}, {"id", "last"}})), "last");
}

TEST(EventId, TreatsANullHeaderAsAbsent) {
  EXPECT_EQ(id_of(order_record(R"({"eventId":"e-17"})", {{"id", std::nullopt}})), "e-17");
}

TEST(EventId, TriesPlacesInTheConfiguredOrder) {
  const auto record = order_record(R"({"a":"from-a","b":"from-b"})", {{"h", "from-h"}});
  EXPECT_EQ(id_of(record, rules_with_id({id_from_pointer("/b"), id_from_header("h")})), "from-b");
  EXPECT_EQ(id_of(record, rules_with_id({id_from_header("h"), id_from_pointer("/b")})), "from-h");
  EXPECT_EQ(id_of(record, rules_with_id({id_from_pointer("/zz"), id_from_pointer("/a")})),
            "from-a");
}

TEST(EventId, ThatIsPresentButInvalidIsNoReasonToLookFurther) {
  EXPECT_EQ(reason_of(order_record(R"({"eventId":"e-17"})", {{"id", ""}})), "invalid_event_id");
  EXPECT_EQ(reason_of(order_record(R"({"a":null,"b":"x"})"),
                      rules_with_id({id_from_pointer("/a"), id_from_pointer("/b")})),
            "invalid_event_id");
}

TEST(EventId, ThatIsNowhereIsMissingAndTheTextSaysWhereWasLooked) {
  const auto record = order_record(R"({"x":1})");
  EXPECT_EQ(reason_of(record), "missing_event_id");
  EXPECT_EQ(
      detail_of(record),
      "no event id; looked at: headers ce_source and ce_id, CloudEvents envelope, header "
      "\"id\", header \"ID\", header \"MessageId\", header \"axon-message-id\", \"/eventId\"; "
      "configure the id of topic \"orders\" (a header, a JSON pointer, or coordinates)");
}

TEST(EventId, OfATombstoneWithoutHeadersIsMissing) {
  EXPECT_EQ(reason_of(order_record(std::nullopt)), "missing_event_id");
  EXPECT_THAT(detail_of(order_record(std::nullopt)), HasSubstr("the value is null"));
  EXPECT_EQ(id_of(order_record(std::nullopt, {{"id", "e-1"}})), "e-1");
}

TEST(EventId, FollowsAPointerThroughObjectsAndArrays) {
  const auto at = [](const std::string& pointer) {
    return id_of(order_record(R"({"a/b":{"m~n":["x",{"id":"deep"}]},"":"empty","\u0061":"esc"})"),
                 rules_with_id({id_from_pointer(pointer)}));
  };
  EXPECT_EQ(at("/a~1b/m~0n/1/id"), "deep");
  EXPECT_EQ(at("/a~1b/m~0n/0"), "x");
  EXPECT_EQ(at("/"), "empty");
  EXPECT_EQ(at("/a"), "esc");
}

TEST(EventId, IsMissingWhereAPointerLeadsNowhere) {
  for (const char* pointer :
       {"/a/b", "/list/2", "/list/00", "/list/-", "/list/x", "/s/0", "/list/1/x", "/list/0x",
        "/list/18446744073709551615", "/list/99999999999999999999"})
    EXPECT_EQ(reason_of(order_record(R"({"list":["x","y"],"s":"text"})"),
                        rules_with_id({id_from_pointer(pointer)})),
              "missing_event_id")
        << pointer;
}

TEST(EventId, MayBeTheWholePayload) {
  EXPECT_EQ(id_of(order_record(R"("e-17")"), rules_with_id({id_from_pointer("")})), "e-17");
  EXPECT_EQ(id_of(order_record(R"(["e-17"])"), rules_with_id({id_from_pointer("/0")})), "e-17");
}

TEST(EventId, KeepsANumbersToken) {
  const auto rules = rules_with_id({id_from_pointer("/id")}, IdScope::kGlobal);
  for (const char* token :
       {"1.0", "1", "1e3", "1E3", "-0", "0.10", "123456789012345678901234567890", "1e400"})
    EXPECT_EQ(id_of(order_record(std::string(R"({"id": )") + token + " }"), rules), token);
}

TEST(EventId, IsOpaqueNothingIsTrimmedFoldedOrNormalised) {
  for (const char* id : {" e ", "E", "e", "e\xCC\x81", "\xC3\xA9", "01", "\n"})
    EXPECT_EQ(id_of(order_record("x", {{"id", id}}),
                    rules_with_id({id_from_header("id")}, IdScope::kGlobal)),
              id);
  EXPECT_EQ(id_of(order_record(R"({"eventId":"\u00e9\ud83d\ude00\n\/\\\"\t\r\b\f"})")),
            "\xC3\xA9\xF0\x9F\x98\x80\n/\\\"\t\r\b\f");
}

TEST(EventId, ThatIsNoStringOrNumberIsInvalid) {
  const std::pair<const char*, const char*> cases[] = {
      {"true", "a boolean"}, {"null", "null"}, {"{}", "an object"}, {"[1]", "an array"}};
  for (const auto& [value, name] : cases) {
    const auto record = order_record(std::string(R"({"eventId":)") + value + "}");
    EXPECT_EQ(reason_of(record), "invalid_event_id");
    EXPECT_THAT(detail_of(record), AllOf(HasSubstr("\"/eventId\""), HasSubstr(name)));
  }
}

TEST(EventId, ThatCannotBeStoredIsInvalid) {
  const auto reason = [](std::string id) {
    return reason_of(order_record("x", {{"id", std::move(id)}}));
  };
  EXPECT_EQ(reason(std::string(512, 'x')), "");
  EXPECT_EQ(reason(std::string(513, 'x')), "invalid_event_id");
  EXPECT_EQ(reason(std::string("a\0b", 3)), "invalid_event_id");
  EXPECT_EQ(reason("\xC3"), "invalid_event_id");
  EXPECT_EQ(reason("\xED\xA0\x80"), "invalid_event_id");
  EXPECT_EQ(reason_of(order_record(R"({"eventId":"a\u0000b"})")), "invalid_event_id");
  EXPECT_EQ(reason_of(order_record(R"({"eventId":""})")), "invalid_event_id");
}

TEST(EventId, IsNeverToldInAPoisonsText) {
  const std::string secret(600, 's');
  EXPECT_THAT(detail_of(order_record("x", {{"id", secret}})),
              AllOf(HasSubstr("600 bytes"), HasSubstr("512"), Not(HasSubstr("sss"))));
}

TEST(EventId, MayBeComposedOfSeveralFields) {
  const auto rules = rules_with_id({composed_id({"/orderId", "/status"})});
  EXPECT_EQ(id_of(order_record(R"({"orderId":7,"status":"PAID"})"), rules), "7/PAID");
}

TEST(EventId, ComposedOfPartsIsUnambiguous) {
  const auto rules = rules_with_id({composed_id({"/a", "/b"})});
  EXPECT_EQ(id_of(order_record(R"({"a":"x/y","b":"z~"})"), rules), "x~1y/z~0");
  EXPECT_NE(id_of(order_record(R"({"a":"x/y","b":"z"})"), rules),
            id_of(order_record(R"({"a":"x","b":"y/z"})"), rules));
}

TEST(EventId, ThatLacksAPartIsInvalidAndOneThatLacksAllIsAbsent) {
  const auto rules = rules_with_id({composed_id({"/a", "/b"}), id_from_header("h")});
  const auto half = order_record(R"({"b":"x"})", {{"h", "from-h"}});
  EXPECT_EQ(reason_of(half, rules), "invalid_event_id");
  EXPECT_THAT(detail_of(half, rules), HasSubstr("lacks its part \"/a\""));
  EXPECT_EQ(reason_of(order_record(R"({"a":"x","b":""})"), rules), "invalid_event_id");
  EXPECT_EQ(reason_of(order_record(R"({"a":"x","b":[]})"), rules), "invalid_event_id");
  EXPECT_EQ(reason_of(order_record("<xml/>"), rules), "undecodable");
  EXPECT_EQ(id_of(order_record(R"({"c":"x"})", {{"h", "from-h"}}), rules), "from-h");
}

TEST(EventId, MayBeTheCoordinatesWhichNeedNoScope) {
  for (const auto scope : {IdScope::kUnspecified, IdScope::kTopic, IdScope::kSource})
    EXPECT_EQ(id_of(order_record("\x01", {{"ce_source", "s"}}),
                    rules_with_id({id_from_coordinates()}, scope)),
              "orders/3/4211");
}

TEST(EventIdScope, MustBeSaidForAllDigitIds) {
  const DecodedRecord decoded{order_record("x", {{"id", "4711"}})};
  EXPECT_THAT(decoded.undecided().detail,
              AllOf(HasSubstr("topics: {orders: {id_scope: topic}}"), Not(HasSubstr("4711"))));
  EXPECT_TRUE(std::holds_alternative<Undecided>(
      DecodedRecord(order_record(R"({"eventId":4711})")).decoded()));
  EXPECT_TRUE(std::holds_alternative<Undecided>(
      DecodedRecord(order_record("x", {{"id", "0123456789"}})).decoded()));
  EXPECT_EQ(id_of(order_record("x", {{"id", "4711a"}})), "4711a");
  EXPECT_EQ(id_of(order_record("x", {{"ce_source", "1"}, {"ce_id", "2"}})), "1 2");
}

TEST(EventIdScope, GlobalTakesIdsAsTheyAre) {
  EXPECT_EQ(id_of(order_record("x", {{"id", "4711"}}),
                  rules_with_id({id_from_header("id")}, IdScope::kGlobal)),
            "4711");
}

TEST(EventIdScope, TopicPutsTheTopicBefore) {
  const auto rules = [](IdFrom from) { return rules_with_id({std::move(from)}, IdScope::kTopic); };
  EXPECT_EQ(id_of(order_record("x", {{"id", "4711"}}), rules(id_from_header("id"))), "orders:4711");
  EXPECT_EQ(id_of(order_record("x", {{"ce_source", "s"}, {"ce_id", "1"}}),
                  rules({.kind = IdFrom::Kind::kCloudEventsBinary, .what = {}, .pointers = {}})),
            "orders:s 1");
}

TEST(EventIdScope, SourcePutsTheSourceBeforeUnlessTheIdHasIt) {
  IdentityRules rules;
  rules.scope = IdScope::kSource;
  EXPECT_EQ(id_of(order_record("x", {{"id", "4711"}, {"ce_source", "urn:shop"}}), rules),
            "urn:shop 4711");
  EXPECT_EQ(id_of(order_record("x", {{"ce_id", "4711"}, {"ce_source", "urn:shop"}}), rules),
            "urn:shop 4711");
  EXPECT_EQ(id_of(order_record("x", {{"id", "4711"}}), rules), " orders:4711");
  EXPECT_EQ(reason_of(order_record("x", {{"id", "4711"}, {"ce_source", "urn: shop"}}), rules),
            "invalid_event_id");
}

TEST(EventIdScope, SourceIsTheEnvelopesInAStructuredCloudEvent) {
  const auto rules = rules_with_id({id_from_pointer("/n")}, IdScope::kSource);
  EXPECT_EQ(id_of(order_record(R"({"source":"urn:shop","data":{"n":7}})",
                               {{"content-type", "application/cloudevents+json"}}),
                  rules),
            "urn:shop 7");
}

TEST(EventIdScope, CountsInTheLimit) {
  const auto reason = [](std::size_t size) {
    return reason_of(order_record("x", {{"id", std::string(size, 'x')}}),
                     rules_with_id({id_from_header("id")}, IdScope::kTopic));
  };
  EXPECT_EQ(reason(512 - 7), "");
  EXPECT_EQ(reason(512 - 6), "invalid_event_id");
}

TEST(EventIdScope, DoesNotHideAnEmptyId) {
  EXPECT_EQ(reason_of(order_record("x", {{"id", ""}}),
                      rules_with_id({id_from_header("id")}, IdScope::kTopic)),
            "invalid_event_id");
}

TEST(EventDecoder, TakesTheRulesOfTheTopic) {
  const EventDecoder decoder({}, {{"orders", rules_with_id({id_from_header("order-id")})}});
  auto other = order_record("x", {{"order-id", "a"}, {"id", "b"}});
  EXPECT_EQ(DecodedRecord(decoder, other).event().id(), "a");
  other.topic = "payments";
  EXPECT_EQ(DecodedRecord(decoder, other).event().id(), "b");
}

TEST(EventDecoder, RefusesRulesThatCannotWork) {
  const auto refused = [](const IdentityRules& rules) {
    try {
      EventDecoder({}, {{"orders", rules}});
    } catch (const ConfigurationError& error) {
      return std::string(error.what());
    }
    return std::string("accepted");
  };
  EXPECT_THAT(refused(rules_with_id({})), HasSubstr("topic \"orders\""));
  EXPECT_THAT(refused(rules_with_id({id_from_pointer("eventId")})), HasSubstr("start with '/'"));
  EXPECT_THAT(refused(rules_with_id({id_from_pointer("/a~2")})), HasSubstr("~0"));
  EXPECT_THAT(refused(rules_with_id({id_from_pointer("/a~")})), HasSubstr("~0"));
  EXPECT_THAT(refused(rules_with_id({id_from_header("")})), HasSubstr("header's name"));
  EXPECT_THAT(refused(rules_with_id({composed_id({})})), HasSubstr("JSON pointers"));
  EXPECT_THAT(refused(rules_with_id({composed_id({"a"})})), HasSubstr("start with '/'"));
  IdentityRules rules;
  rules.type = {{.kind = TypeFrom::Kind::kHeader, .what = ""}};
  EXPECT_THAT(refused(rules), HasSubstr("header's name"));
  rules.type = {{.kind = TypeFrom::Kind::kJsonPointer, .what = "type"}};
  EXPECT_THAT(refused(rules), HasSubstr("start with '/'"));
  rules.type.clear();
  EXPECT_THAT(refused(rules), HasSubstr("type"));
  rules = {};
  rules.max_json_depth = 0;
  EXPECT_THAT(refused(rules), HasSubstr("max_json_depth"));
  rules.max_json_depth = 1001;
  EXPECT_THAT(refused(rules), HasSubstr("max_json_depth"));
  EXPECT_THROW(EventDecoder{rules}, ConfigurationError);
  for (const int depth : {1, 1000}) {
    rules.max_json_depth = depth;
    EXPECT_EQ(refused(rules), "accepted");
  }
}

}  // namespace
}  // namespace kinbox::testing

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "kinbox/event_decoder.hpp"
#include "support/decoding.hpp"

namespace kinbox::testing {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

const TestHeaders kId{{"id", "e-1"}};
const TestHeaders kIdAndType{{"id", "e-1"}, {"ce_type", "T"}};
const TestHeaders kStructured{{"content-type", "application/cloudevents+json"}};

std::string payload_of(std::optional<std::string> value, TestHeaders headers = kIdAndType) {
  return DecodedRecord(order_record(std::move(value), std::move(headers))).payload();
}

std::string reason_of(std::string value, TestHeaders headers = {},
                      const IdentityRules& rules = {}) {
  return DecodedRecord(rules, order_record(std::move(value), std::move(headers))).reason();
}

std::string framed(const std::string& rest) { return std::string("\0\0\0\0\x07", 5) + rest; }

std::string nested(int depth) {
  std::string text = R"({"eventId":"e","x":)";
  for (int i = 1; i < depth; ++i) text += '[';
  for (int i = 1; i < depth; ++i) text += ']';
  return text + '}';
}

TEST(EventBody, IsTheRecordsValueWhenNothingIsAround) {
  EXPECT_EQ(payload_of(R"( {"a":1} )"), R"( {"a":1} )");
  EXPECT_EQ(payload_of("\xFF\xFE binary"), "\xFF\xFE binary");
  EXPECT_EQ(payload_of(""), "");
}

TEST(EventBody, StandsInTheRecordWhenNothingWasBuilt) {
  const DecodedRecord decoded(order_record(R"({"schema":{},"payload":{"a":1}})", kId));
  const auto value = *decoded.event().record().value();
  const auto payload = *decoded.event().payload();
  EXPECT_EQ(payload.data(), value.data() + 23);
}

TEST(EventBody, OfATombstoneIsNullAndDebeziumsFourBytesAreTheSame) {
  EXPECT_EQ(payload_of(std::nullopt), "(null)");
  EXPECT_EQ(payload_of("null"), "(null)");
  EXPECT_EQ(payload_of(R"({"schema":null,"payload":null})"), "(null)");
  EXPECT_EQ(payload_of("\"null\""), "\"null\"");
}

TEST(EventBody, LeavesConnectsEnvelope) {
  EXPECT_EQ(payload_of(R"({"schema":{"type":"struct"},"payload": {"a":1} })"), R"({"a":1})");
  EXPECT_EQ(payload_of(R"( { "payload":{"a":1},"schema":null})"), R"({"a":1})");
  EXPECT_EQ(
      DecodedRecord(order_record(R"({"schema":{},"payload":{"eventId":"e-9"}})")).event().id(),
      "e-9");
}

TEST(EventBody, LeavesConnectsEnvelopeOnce) {
  const std::string inner = R"({"schema":{},"payload":{"a":1}})";
  EXPECT_EQ(payload_of(R"({"schema":{},"payload":)" + inner + "}"), inner);
}

TEST(EventBody, TakesNothingElseForConnectsEnvelope) {
  for (const char* value :
       {R"({"schema":{},"payload":{},"more":1})", R"({"schema":"x","payload":{}})",
        R"({"schema":{}})", R"({"payload":{}})", R"({"schema":{},"other":{}})",
        R"({"payload":{},"other":{}})", R"({"schema":{},"payload":{})", R"({"schema"})"})
    EXPECT_EQ(payload_of(value), value);
}

TEST(EventBody, LeavesAJsonStringThatHoldsJson) {
  EXPECT_EQ(payload_of(R"("{\"a\":\"\u00e9\"}")"), "{\"a\":\"\xC3\xA9\"}");
  EXPECT_EQ(payload_of(R"( "[1, 2]" )"), "[1, 2]");
  EXPECT_EQ(DecodedRecord(order_record(R"("{\"eventId\":\"e-9\"}")")).event().id(), "e-9");
}

TEST(EventBody, LeavesAJsonStringOnce) { EXPECT_EQ(payload_of(R"("\"{}\"")"), R"("\"{}\"")"); }

TEST(EventBody, LeavesAStringInsideConnectsEnvelope) {
  EXPECT_EQ(payload_of(R"({"schema":{"type":"string"},"payload":"{\"a\":1}"})"), R"({"a":1})");
}

TEST(EventBody, KeepsAStringThatIsJustAText) {
  for (const char* value :
       {R"("hello")", R"("{hello}")", R"("17")", R"("true")", R"("unfinished)", R"("a" "b")"})
    EXPECT_EQ(payload_of(value), value);
}

TEST(EventBody, LeavesConfluentsFrameAroundJson) {
  EXPECT_EQ(payload_of(framed(R"({"a":1})")), R"({"a":1})");
  EXPECT_EQ(payload_of(framed(R"("text")")), R"("text")");
  EXPECT_EQ(DecodedRecord(order_record(framed(R"({"eventId":"e-9"})"))).event().id(), "e-9");
}

TEST(EventBody, KeepsConfluentsFrameAroundAnythingElse) {
  for (const auto& value : {framed("\x02\x03"), framed("{not json"), framed(""), framed("17")})
    EXPECT_EQ(payload_of(value), value);
  EXPECT_EQ(payload_of(std::string("\0{}", 3)), std::string("\0{}", 3));
}

TEST(EventBody, OfAvroIsUndecodableWhenItsIdIsInside) {
  const DecodedRecord decoded(order_record(framed("\x02\x03secret")));
  EXPECT_EQ(decoded.reason(), "undecodable");
  EXPECT_THAT(decoded.poison().detail,
              AllOf(HasSubstr("Avro or Protobuf"), Not(HasSubstr("secret"))));
}

TEST(EventBody, IsTheDataOfAStructuredCloudEvent) {
  const auto payload = [](const std::string& data) {
    return payload_of(R"({"id":"1","source":"s","type":"t")" + data + "}", kStructured);
  };
  EXPECT_EQ(payload(R"(,"data":{"a": 1})"), R"({"a": 1})");
  EXPECT_EQ(payload(R"(,"data":"text")"), R"("text")");
  EXPECT_EQ(payload(R"(,"data":"{\"a\":1}")"), R"({"a":1})");
  EXPECT_EQ(payload(R"(,"data":"<a\/>","datacontenttype":"text/xml")"), "<a/>");
  EXPECT_EQ(payload(R"(,"data":"x","datacontenttype":"application/json; v=1")"), R"("x")");
  EXPECT_EQ(payload(R"(,"data":"x","datacontenttype":"application/vnd.a+json")"), R"("x")");
  EXPECT_EQ(payload(R"(,"data":"x","datacontenttype":7)"), "x");
  EXPECT_EQ(payload(R"(,"data_base64":"AP8\/")"), std::string("\0\xFF\x3F", 3));
  EXPECT_EQ(payload(R"(,"data":null)"), "(null)");
  EXPECT_EQ(payload(""), "(null)");
}

TEST(EventBody, OfACloudEventIsWhereItsPointersLead) {
  const auto rules = rules_with_id({id_from_pointer("/eventId")});
  for (const char* data :
       {R"("data":{"eventId":"e-9"})", R"("data_base64":"eyJldmVudElkIjoiZS05In0=")",
        R"("data":"{\"eventId\":\"e-9\"}","datacontenttype":"text/x")"})
    EXPECT_EQ(
        DecodedRecord(rules, order_record(std::string("{") + data + "}", kStructured)).event().id(),
        "e-9")
        << data;
}

TEST(EventBody, OfACloudEventThatIsNoneIsUndecodable) {
  EXPECT_EQ(reason_of("<xml/>", kStructured), "undecodable");
  EXPECT_EQ(reason_of("[]", kStructured), "undecodable");
  EXPECT_EQ(reason_of(R"({"id":"1","id":"2","source":"s"})", kStructured), "undecodable");
  EXPECT_EQ(reason_of(R"({"id":"1","source":"s","data":1,"data_base64":""})", kStructured),
            "undecodable");
  EXPECT_EQ(reason_of(R"({"id":"1","source":"s","data_base64":"?"})", kStructured), "undecodable");
  EXPECT_EQ(reason_of(R"({"id":"1","source":"s","data_base64":7})", kStructured), "undecodable");
}

TEST(EventBody, ThatIsATombstoneIsNoCloudEvent) {
  auto headers = kStructured;
  headers.push_back({"id", "e-1"});
  EXPECT_EQ(payload_of(std::nullopt, headers), "(null)");
  EXPECT_EQ(payload_of("null", headers), "(null)");
}

TEST(EventBody, OverTheLimitIsTooLarge) {
  IdentityRules rules;
  rules.max_value_bytes = 10;
  EXPECT_EQ(reason_of("0123456789", kId, rules), "");
  EXPECT_EQ(reason_of("0123456789x", kId, rules), "too_large");
}

TEST(EventBody, ThatIsNoJsonIsUndecodableWhenItsIdIsInside) {
  for (const char* value :
       {"", "<xml/>", R"({"eventId":"e-1")", R"({"eventId":"e-1"} x)", R"({"eventId":'e-1'})",
        "{\"eventId\":\"\xC3\"}", "{\"eventId\":\"a\nb\"}", R"({"eventId":"\ud800"})",
        R"({"eventId":01})"})
    EXPECT_EQ(reason_of(value), "undecodable") << value;
}

TEST(EventBody, ThatIsUndecodableSaysWhy) {
  const auto detail = [](std::string value) {
    return DecodedRecord(order_record(std::move(value))).poison().detail;
  };
  EXPECT_THAT(detail(""), AllOf(HasSubstr("is empty"), HasSubstr("\"/eventId\"")));
  EXPECT_THAT(detail("<xml/>"), HasSubstr("not JSON"));
  EXPECT_THAT(detail(nested(65)), HasSubstr("deeper than 64"));
  EXPECT_THAT(detail(R"({"a":1,"a":2})"), HasSubstr("a key twice"));
}

TEST(EventBody, MayHaveAByteOrderMark) {
  EXPECT_EQ(payload_of("\xEF\xBB\xBF{\"schema\":{},\"payload\":[1]}"), "[1]");
  EXPECT_EQ(DecodedRecord(order_record("\xEF\xBB\xBF{\"eventId\":\"e-9\"}")).event().id(), "e-9");
}

TEST(EventBody, MayBeNestedToTheLimit) {
  EXPECT_EQ(reason_of(nested(64)), "");
  EXPECT_EQ(reason_of(nested(65)), "undecodable");
  EXPECT_EQ(reason_of(std::string(1 << 20, '[')), "undecodable");
  IdentityRules rules;
  rules.max_json_depth = 65;
  EXPECT_EQ(reason_of(nested(65), {}, rules), "");
}

TEST(EventBody, MayNotSayAKeyTwiceOnTheWayToTheId) {
  EXPECT_EQ(reason_of(R"({"eventId":"a","eventId":"b"})"), "undecodable");
  EXPECT_EQ(reason_of(R"({"eventId":"a","event\u0049d":"b"})"), "undecodable");
  EXPECT_EQ(reason_of(R"({"eventId":"a","x":1,"x":1})"), "undecodable");
  EXPECT_EQ(reason_of(R"({"eventId":"a","x":{"y":1,"y":1}})"), "");
  const auto deep = rules_with_id({id_from_pointer("/x/id")});
  EXPECT_EQ(reason_of(R"({"x":{"id":"1","y":1,"y":1}})", {}, deep), "undecodable");
}

TEST(EventBody, IsNotReadWhenHeadersSayAll) {
  EXPECT_EQ(reason_of(R"({"a":1,"a":1} broken)", {{"id", "e-1"}, {"ce_type", "T"}}), "");
}

TEST(EventType, ComesFromHeadersThePayloadOrTheTopic) {
  const auto type = [](const char* value, TestHeaders headers) {
    headers.push_back({"id", "e-1"});
    return DecodedRecord(order_record(value, std::move(headers))).event().type();
  };
  const char* const typed = R"({"eventType":"P"})";
  EXPECT_EQ(type(typed, {{"ce_type", "A"}, {"eventType", "B"}, {"event-type", "C"}}), "A");
  EXPECT_EQ(type(typed, {{"eventType", "B"}, {"event-type", "C"}}), "B");
  EXPECT_EQ(type(typed, {{"event-type", "C"}}), "C");
  EXPECT_EQ(type(typed, {}), "P");
  EXPECT_EQ(type(R"({"eventType":null})", {}), "orders");
  EXPECT_EQ(type(R"({"eventType":3})", {}), "3");
  EXPECT_EQ(type("{}", {}), "orders");
  EXPECT_EQ(type("\xFF binary", {}), "orders");
}

TEST(EventType, OfAStructuredCloudEventStandsInTheEnvelope) {
  const char* const envelope = R"({"id":"1","source":"s","type":"T","data":{"eventType":"P"}})";
  EXPECT_EQ(DecodedRecord(order_record(envelope, kStructured)).event().type(), "T");
  IdentityRules rules;
  rules.type = {{.kind = TypeFrom::Kind::kJsonPointer, .what = "/eventType"}};
  EXPECT_EQ(DecodedRecord(rules, order_record(envelope, kStructured)).event().type(), "P");
  rules.type = {{.kind = TypeFrom::Kind::kHeader, .what = "other"},
                {.kind = TypeFrom::Kind::kTopic, .what = {}}};
  EXPECT_EQ(DecodedRecord(rules, order_record(envelope, kStructured)).event().type(), "orders");
}

TEST(EventType, ThatCannotBeStoredMakesTheRecordUndecodable) {
  const auto reason = [](std::string type) {
    return reason_of("x", {{"id", "e-1"}, {"ce_type", std::move(type)}});
  };
  EXPECT_EQ(reason(std::string(512, 'x')), "");
  EXPECT_EQ(reason(std::string(513, 'x')), "undecodable");
  EXPECT_EQ(reason(""), "undecodable");
  EXPECT_EQ(reason("\xFF"), "undecodable");
  EXPECT_EQ(reason(std::string("a\0", 2)), "undecodable");
  EXPECT_EQ(reason_of(R"({"eventId":"e","eventType":[]})"), "undecodable");
  EXPECT_EQ(reason_of(R"({"eventType":"cut off)", kId), "undecodable");
  EXPECT_EQ(reason_of(R"({"x":1,"x":2})", kId), "undecodable");
}

TEST(EventType, ThatIsRefusedIsNamedByItsPlace) {
  const DecodedRecord empty(order_record("x", {{"id", "e-1"}, {"ce_type", ""}}));
  EXPECT_EQ(empty.poison().detail, "the event type at \"ce_type\" is empty");
}

TEST(EventType, MustBeSomewhere) {
  IdentityRules rules;
  rules.type = {{.kind = TypeFrom::Kind::kHeader, .what = "type"}};
  EXPECT_EQ(reason_of("x", kId, rules), "undecodable");
}

TEST(EventFingerprint, IsOfTheRawValueWithoutSchemaPrefix) {
  const auto fingerprint = [](std::optional<std::string> value) {
    return DecodedRecord(order_record(std::move(value), kId)).event().fingerprint();
  };
  EXPECT_EQ(fingerprint("abc"), Fingerprint::of(as_bytes("abc")));
  EXPECT_EQ(fingerprint(R"("{}")"), Fingerprint::of(as_bytes(R"("{}")")));
  EXPECT_EQ(fingerprint(framed("{}")), Fingerprint::of(as_bytes("{}")));
  EXPECT_EQ(fingerprint(framed("\x02")), Fingerprint::of(as_bytes("\x02")));
  EXPECT_EQ(fingerprint(framed("")), Fingerprint::of(as_bytes("")));
  EXPECT_EQ(fingerprint("null"), Fingerprint::of(as_bytes("null")));
  EXPECT_EQ(fingerprint(std::nullopt), Fingerprint::of(std::nullopt));
}

}  // namespace
}  // namespace kinbox::testing

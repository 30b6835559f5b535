#include "core/outgoing_event.hpp"

#include <gmock/gmock.h>

#include "kinbox/errors.hpp"
#include "kinbox/event.hpp"

namespace kinbox {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Pair;
using ::testing::SizeIs;

using HeaderList = std::vector<OwnedRecord::OwnedHeader>;

OutgoingEvent paid() {
  return {.topic = "payments",
          .key = "o-1",
          .id = "p-1",
          .type = "payment.completed",
          .source = "/payments",
          .payload = "{}"};
}

/// An event that is being handled, with these headers.
class Handled {
 public:
  explicit Handled(HeaderList headers = {}, const std::string& id = "e-1")
      : record_(owned(std::move(headers))),
        event_(record_, {.id = id,
                         .type = "ORDER_CREATED",
                         .payload = std::nullopt,
                         .unwrapped = std::nullopt,
                         .fingerprint = Fingerprint::of(std::nullopt)}) {}

  Handling handling(std::int64_t generation = 0) const {
    return {.consumer = "orders", .event = &event_, .generation = generation};
  }

 private:
  static OwnedRecord owned(HeaderList headers) {
    OwnedRecord record;
    record.topic = "orders.created";
    record.headers = std::move(headers);
    return record;
  }

  Record record_;
  Event event_;
};

std::string refusal(const OutgoingEvent& event, const OutboxOptions& options = {},
                    const Handling& handling = {}) {
  try {
    const auto decided = decide(event, options, handling, 0);
    refuse_too_large(event, wire_headers(event, decided), options.max_bytes);
  } catch (const PermanentError& e) {
    EXPECT_EQ(e.code(), "outgoing_event");
    return e.what();
  }
  return "accepted";
}

std::vector<std::pair<std::string, std::string>> sent(const OutgoingEvent& event,
                                                      const Handling& handling = {}) {
  const auto decided = decide(event, {}, handling, 0);
  std::vector<std::pair<std::string, std::string>> found;
  for (const auto& header : wire_headers(event, decided))
    found.emplace_back(header.name, header.value ? std::string(as_text(*header.value)) : "null");
  return found;
}

std::string value_of(const std::vector<std::pair<std::string, std::string>>& headers,
                     const std::string& name) {
  for (const auto& [key, value] : headers)
    if (key == name) return value;
  return "none";
}

TEST(OutgoingEvent, BecomesACloudEventInBinaryMode) {
  auto event = paid();
  event.time = Timestamp{std::chrono::milliseconds{1700000000123}};
  event.headers = {{"ce_subject", "o-1"}, {"x", std::nullopt}};
  EXPECT_THAT(
      sent(event),
      ::testing::ElementsAre(
          Pair("ce_specversion", "1.0"), Pair("ce_id", "p-1"), Pair("ce_source", "/payments"),
          Pair("ce_type", "payment.completed"), Pair("ce_time", "2023-11-14T22:13:20.123Z"),
          Pair("content-type", "application/json"), Pair("ce_subject", "o-1"), Pair("x", "null")));
}

TEST(OutgoingEvent, WithoutAPayloadHasNoContentType) {
  auto event = paid();
  event.payload.reset();
  EXPECT_EQ(value_of(sent(event), "content-type"), "none");
}

TEST(OutgoingEvent, HappensNowUnlessItSaysWhen) {
  const auto before = std::chrono::system_clock::now() - std::chrono::seconds{1};
  const auto time = value_of(sent(paid()), "ce_time");
  EXPECT_GE(
      time,
      std::to_string(
          int{std::chrono::year_month_day(std::chrono::floor<std::chrono::days>(before)).year()}));
  EXPECT_THAT(time, SizeIs(24));
}

// These ids are permanent: another value here means that replays of old events emit new ids.
TEST(DerivedEventId, FollowsFromConsumerEventGenerationAndOrdinal) {
  const Handled handled;
  EXPECT_EQ(derived_event_id(handled.handling(), 0), "529b0aad-4fd6-5a8a-ba31-fcd16d46b7ec");
  EXPECT_EQ(derived_event_id(handled.handling(), 1), "04816677-5f1b-5613-b673-e5c5de9a33a4");
  EXPECT_EQ(derived_event_id(handled.handling(1), 0), "267e6ab3-6fe2-5d93-afdb-f546c0524790");
  auto other = handled.handling();
  other.consumer = "stock";
  EXPECT_NE(derived_event_id(other, 0), derived_event_id(handled.handling(), 0));
  EXPECT_NE(derived_event_id(Handled({}, "e-2").handling(), 0),
            derived_event_id(handled.handling(), 0));
}

TEST(OutgoingEvent, InAHandlerNamesWhatCausedItAndCarriesItsTraceOn) {
  const Handled handled(HeaderList{{"traceparent", "00-aa-bb-01"}, {"tracestate", "v=1"}});
  auto event = paid();
  event.id.clear();
  event.source.clear();
  const auto headers = sent(event, handled.handling());
  EXPECT_EQ(value_of(headers, "ce_id"), "529b0aad-4fd6-5a8a-ba31-fcd16d46b7ec");
  EXPECT_EQ(value_of(headers, "ce_source"), "/orders");
  EXPECT_EQ(value_of(headers, "ce_causationid"), "e-1");
  EXPECT_EQ(value_of(headers, "traceparent"), "00-aa-bb-01");
  EXPECT_EQ(value_of(headers, "tracestate"), "v=1");
}

TEST(OutgoingEvent, TakesATraceFromCloudEventsExtension) {
  const Handled handled(HeaderList{{"ce_traceparent", "00-aa-bb-01"}, {"ce_tracestate", "v=1"}});
  const auto headers = sent(paid(), handled.handling());
  EXPECT_EQ(value_of(headers, "traceparent"), "00-aa-bb-01");
  EXPECT_EQ(value_of(headers, "tracestate"), "v=1");
}

TEST(OutgoingEvent, WithATraceOfItsOwnKeepsIt) {
  const Handled handled(HeaderList{{"traceparent", "00-aa-bb-01"}, {"tracestate", "v=1"}});
  auto event = paid();
  event.headers = {{"traceparent", "00-mine"}};
  const auto headers = sent(event, handled.handling());
  EXPECT_EQ(value_of(headers, "traceparent"), "00-mine");
  EXPECT_EQ(value_of(headers, "tracestate"), "none");
}

TEST(OutgoingEvent, DropsATraceThatIsNone) {
  for (const auto& value : {std::string(513, 'a'), std::string("a\nb"), std::string("\xFF")}) {
    const Handled handled(HeaderList{{"traceparent", value}});
    EXPECT_EQ(value_of(sent(paid(), handled.handling()), "traceparent"), "none");
  }
}

TEST(OutgoingEvent, NeedsATopicThatKafkaTakes) {
  auto event = paid();
  event.topic.clear();
  EXPECT_THAT(refusal(event), HasSubstr("names no topic"));
  for (const auto& topic : {std::string("a b"), std::string(".."), std::string(250, 't')}) {
    event.topic = topic;
    EXPECT_THAT(refusal(event), HasSubstr("is no topic name")) << topic;
  }
}

TEST(OutgoingEvent, NeedsAType) {
  auto event = paid();
  event.type.clear();
  EXPECT_THAT(refusal(event), HasSubstr("has no type"));
  for (const auto& type : {std::string(513, 't'), std::string("a\0b", 3), std::string("\xC3")}) {
    event.type = type;
    EXPECT_THAT(refusal(event), HasSubstr("its type"));
  }
}

TEST(OutgoingEvent, OutsideAHandlerNeedsAnIdAndASource) {
  auto event = paid();
  event.id.clear();
  EXPECT_THAT(refusal(event), HasSubstr("random_event_id()"));
  event = paid();
  event.source.clear();
  EXPECT_THAT(refusal(event), HasSubstr("OutboxOptions::source"));
  EXPECT_EQ(refusal(event, {.source = "/shop"}), "accepted");
}

TEST(OutgoingEvent, TakesTheSourceOfTheOutboxBeforeTheConsumers) {
  const Handled handled;
  auto event = paid();
  event.source.clear();
  EXPECT_EQ(decide(event, {.source = "/shop"}, handled.handling(), 0).source, "/shop");
}

TEST(OutgoingEvent, HasAnIdentityThatConsumersCanStore) {
  auto event = paid();
  for (const auto& id : {std::string("a\0b", 3), std::string("\xFF"), std::string("a\nb")}) {
    event.id = id;
    EXPECT_THAT(refusal(event), HasSubstr("its id"));
  }
  event = paid();
  event.source = "with space";
  EXPECT_THAT(refusal(event), HasSubstr("no URI reference"));
  event = paid();
  event.id = std::string(512 - event.source.size() - 1, 'i');
  EXPECT_EQ(refusal(event), "accepted");
  event.id += 'i';
  EXPECT_THAT(refusal(event), HasSubstr("longer than 512"));
}

TEST(OutgoingEvent, LeavesCloudEventsHeadersToKinbox) {
  for (const auto* name : {"ce_specversion", "ce_id", "ce_source", "ce_type", "ce_time",
                           "ce_causationid", "content-type"}) {
    auto event = paid();
    event.headers = {{name, "mine"}};
    EXPECT_THAT(refusal(event), HasSubstr("is written by kinbox")) << name;
  }
}

TEST(OutgoingEvent, HasHeadersWithNames) {
  for (const auto& name : {std::string(), std::string("a\0b", 3), std::string("\xFF")}) {
    auto event = paid();
    event.headers = {{name, "v"}};
    EXPECT_THAT(refusal(event), HasSubstr("a header's name"));
  }
}

TEST(OutgoingEvent, HasAContentTypeOfPlainText) {
  auto event = paid();
  event.content_type = "text/plain\r\nx";
  EXPECT_THAT(refusal(event), HasSubstr("its content type"));
  event.payload.reset();
  EXPECT_EQ(refusal(event), "accepted");
}

TEST(OutgoingEvent, IsNotLargerThanTheOutboxAllows) {
  auto event = paid();
  event.payload = std::string(900, 'x');
  std::size_t headers = 0;
  for (const auto& [name, value] : sent(event)) headers += name.size() + value.size();
  const auto exact = headers + 900 + event.key->size();
  EXPECT_EQ(refusal(event, {.max_bytes = exact}), "accepted");
  EXPECT_THAT(refusal(event, {.max_bytes = exact - 1}),
              HasSubstr("more than the outbox's " + std::to_string(exact - 1)));
}

TEST(Outbox, RefusesOptionsThatCannotWork) {
  const Dialect sqlite(Backend::kSqlite, "main");
  EXPECT_THROW(Outbox(sqlite, {.relay = OutboxOptions::Relay::kCdc}), ConfigurationError);
  EXPECT_THROW(Outbox(sqlite, {.source = "a b"}), ConfigurationError);
  EXPECT_NO_THROW(Outbox(sqlite, {.source = "/shop"}));
}

}  // namespace
}  // namespace kinbox

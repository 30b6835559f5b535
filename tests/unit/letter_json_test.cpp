#include "cli/dlq/letter_json.hpp"

#include <gmock/gmock.h>

#include <nlohmann/json.hpp>

#include "kinbox/errors.hpp"

namespace kinbox::cli {
namespace {

using nlohmann::ordered_json;
using ::testing::HasSubstr;
using ::testing::Not;

ConsumerLetter hostile() {
  ConsumerLetter of{.consumer = "orders", .letter = {}, .id = 17};
  auto& letter = of.letter;
  letter.record = {
      .topic = "t",
      .partition = 3,
      .offset = 4211,
      .timestamp = Timestamp(std::chrono::milliseconds(1'700'000'000'123)),
      .key = std::string("k\0\xff", 3),
      .value = std::string("a\0\n\"\\ \xc3\xa9", 8),
      .headers = {
          {"id", "e-1"}, {"id", std::nullopt}, {"", ""}, {"\xff", std::string("\0\xfe", 2)}}};
  letter.topic_id = "tid";
  letter.event_id = "e-1";
  letter.event_type = "OrderCreated";
  letter.failure = {.reason = "handler_rejected",
                    .handler = "view",
                    .error_type = "Sold",
                    .error_code = "out",
                    .error_text = "no\nmore",
                    .attempts = 5,
                    .first_failed_at = Timestamp(std::chrono::milliseconds(1'700'000'000'456))};
  letter.dead_at = Timestamp(std::chrono::milliseconds(1'700'000'000'789));
  letter.redrive_count = 2;
  letter.edited_value = "\xfe";
  letter.state = ImportedLetter::State::kDiscarded;
  return of;
}

void expect_equal(const ConsumerLetter& a, const ConsumerLetter& b) {
  EXPECT_EQ(a.consumer, b.consumer);
  EXPECT_EQ(a.id, b.id);
  EXPECT_EQ(a.letter.record, b.letter.record);
  EXPECT_EQ(a.letter.topic_id, b.letter.topic_id);
  EXPECT_EQ(a.letter.event_id, b.letter.event_id);
  EXPECT_EQ(a.letter.event_type, b.letter.event_type);
  EXPECT_EQ(a.letter.failure.reason, b.letter.failure.reason);
  EXPECT_EQ(a.letter.failure.handler, b.letter.failure.handler);
  EXPECT_EQ(a.letter.failure.error_type, b.letter.failure.error_type);
  EXPECT_EQ(a.letter.failure.error_code, b.letter.failure.error_code);
  EXPECT_EQ(a.letter.failure.error_text, b.letter.failure.error_text);
  EXPECT_EQ(a.letter.failure.attempts, b.letter.failure.attempts);
  EXPECT_EQ(a.letter.failure.first_failed_at, b.letter.failure.first_failed_at);
  EXPECT_EQ(a.letter.dead_at, b.letter.dead_at);
  EXPECT_EQ(a.letter.redrive_count, b.letter.redrive_count);
  EXPECT_EQ(a.letter.edited_value, b.letter.edited_value);
  EXPECT_EQ(a.letter.state, b.letter.state);
}

TEST(LetterJson, BytesComeBackAsTheyWere) {
  const auto line = letter_to_json(hostile());
  EXPECT_THAT(line, Not(HasSubstr("\n")));
  EXPECT_THAT(line, HasSubstr(R"("key":{"base64":"awD/"})"));
  EXPECT_THAT(line, HasSubstr(R"(["id",null])"));
  expect_equal(letter_from_json(line), hostile());
}

TEST(LetterJson, WhatIsNotThereIsNullAndNotEmpty) {
  auto bare = hostile();
  bare.letter.record.key = std::nullopt;
  bare.letter.record.value = std::nullopt;
  bare.letter.record.timestamp = std::nullopt;
  bare.letter.record.headers.clear();
  bare.letter.event_id = std::nullopt;
  bare.letter.failure.first_failed_at = std::nullopt;
  bare.letter.dead_at = std::nullopt;
  bare.letter.edited_value = std::nullopt;
  expect_equal(letter_from_json(letter_to_json(bare)), bare);
  bare.letter.record.key = "";
  bare.letter.record.value = "";
  expect_equal(letter_from_json(letter_to_json(bare)), bare);
}

TEST(LetterJson, EveryByteSurvives) {
  for (int byte = 0; byte < 256; ++byte) {
    auto of = hostile();
    of.letter.record.value = std::string(1, static_cast<char>(byte));
    EXPECT_EQ(letter_from_json(letter_to_json(of)).letter.record.value, of.letter.record.value);
  }
}

TEST(LetterJson, WhatWaitedElsewhereIsOpenHere) {
  for (const auto* state : {"open", "requested", "parked"}) {
    auto line = ordered_json::parse(letter_to_json(hostile()));
    line["state"] = state;
    EXPECT_EQ(letter_from_json(line.dump()).letter.state, ImportedLetter::State::kOpen);
  }
  auto resolved = hostile();
  resolved.letter.state = ImportedLetter::State::kResolved;
  EXPECT_EQ(letter_from_json(letter_to_json(resolved)).letter.state,
            ImportedLetter::State::kResolved);
}

std::string refusal_of(const std::string& line) {
  try {
    (void)letter_from_json(line);
  } catch (const Error& e) {
    return e.what();
  }
  return "(accepted)";
}

/// What is said about a line in which `field` is `value`.
std::string refusal(const std::string& field, const ordered_json& value) {
  auto line = ordered_json::parse(letter_to_json(hostile()));
  line[field] = value;
  return refusal_of(line.dump());
}

TEST(LetterJson, ABrokenLineIsRefusedByTheNameOfWhatIsWrong) {
  EXPECT_THAT(refusal_of("{\"id\": 17"), HasSubstr("no JSON"));
  EXPECT_THAT(refusal_of("[]"), HasSubstr("no JSON object"));
  EXPECT_THAT(refusal_of("{}"), HasSubstr("the field \"id\" is missing"));
  EXPECT_THAT(refusal("evnt_id", 1), HasSubstr("the field \"evnt_id\" is unknown"));
  EXPECT_THAT(refusal("topic", 1), HasSubstr("topic: should be text"));
  EXPECT_THAT(refusal("event_id", 1), HasSubstr("event_id: should be text"));
  EXPECT_THAT(refusal("partition", -1), HasSubstr("partition: should be a whole number from 0"));
  EXPECT_THAT(refusal("partition", 1.5), HasSubstr("partition: should be a whole number"));
  EXPECT_THAT(refusal("partition", 4'000'000'000U), HasSubstr("partition: should be"));
  EXPECT_THAT(refusal("offset", 18'446'744'073'709'551'615U), HasSubstr("offset: should be"));
  EXPECT_THAT(refusal("value", 1), HasSubstr("value: should be text"));
  EXPECT_THAT(refusal("value", {{"base64", "a"}}), HasSubstr("value: not base64"));
  EXPECT_THAT(refusal("value", {{"base64", "YQ=="}, {"x", 1}}), HasSubstr("value: should be"));
  EXPECT_THAT(refusal("headers", 1), HasSubstr("headers: should be a list"));
  EXPECT_THAT(refusal("headers", {1}), HasSubstr("headers: should be a list"));
  EXPECT_THAT(refusal("headers", ordered_json::array({ordered_json::array({nullptr, "v"})})),
              HasSubstr("headers: should be a list"));
  EXPECT_THAT(refusal("dead_at", "yesterday"), HasSubstr("dead_at: "));
  EXPECT_THAT(refusal("state", "lost"), HasSubstr("state: \"lost\""));
}

}  // namespace
}  // namespace kinbox::cli

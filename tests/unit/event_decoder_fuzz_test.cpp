#include <gtest/gtest.h>

#include <random>

#include "core/utf8.hpp"
#include "kinbox/errors.hpp"
#include "kinbox/event_decoder.hpp"
#include "kinbox/json.hpp"
#include "support/decoding.hpp"

namespace kinbox::testing {
namespace {

constexpr std::uint32_t kSeed = 4711;

using Random = std::mt19937;

const std::string& pick(const std::vector<std::string>& from, Random& random) {
  return from[random() % from.size()];
}

std::string random_bytes(Random& random) {
  std::string bytes(random() % 40, '\0');
  for (auto& byte : bytes) byte = static_cast<char>(random());
  return bytes;
}

std::string seed_value(Random& random) {
  static const std::vector<std::string> kValues{
      R"({"eventId":"e-1","eventType":"T","orderId":7,"items":[{"sku":"a"},{"sku":"b"}]})",
      R"({"schema":{"type":"string"},"payload":"{\"eventId\":\"e-1\"}"})",
      R"("{\"eventId\":\"e\\u00e9\",\"x\":[1,2]}")",
      R"({"id":"1","source":"urn:a","type":"T","data":{"eventId":"x"}})",
      R"({"id":"1","source":"urn:a","data_base64":"eyJhIjoxfQ=="})",
      R"({"id":"1","source":"urn:a","data":"a\/b","datacontenttype":"text/plain"})",
      std::string("\0\0\0\0\1{\"eventId\":\"e\"}", 20),
      std::string("\0\0\0\0\1\2\6abc", 10),
      "null",
      "",
      std::string(70, '['),
      R"({"eventId":12345678901234567890})"};
  return pick(kValues, random);
}

std::string mutated(std::string text, Random& random) {
  for (auto changes = random() % 4; changes-- > 0;) {
    const auto at = random() % (text.size() + 1);
    if (random() % 2 == 0)
      text.insert(at, 1, static_cast<char>(random()));
    else
      text.erase(at, random() % 3);
  }
  return text;
}

TestHeaders random_headers(Random& random) {
  static const std::vector<std::string> kNames{"id",        "ce_id",   "ce_source",    "ce_type",
                                               "eventType", "unknown", "content-type", ""};
  static const std::vector<std::string> kValues{
      "e-1", "17", "", "application/cloudevents+json", "a b", std::string("\0", 1), "\xFF", ";"};
  TestHeaders headers;
  for (auto count = random() % 4; count-- > 0;)
    headers.push_back({pick(kNames, random),
                       random() % 8 == 0 ? std::nullopt : std::optional(pick(kValues, random))});
  return headers;
}

OwnedRecord random_record(Random& random) {
  std::optional<std::string> value;
  if (random() % 16 != 0)
    value = random() % 4 == 0 ? random_bytes(random) : mutated(seed_value(random), random);
  return order_record(std::move(value), random_headers(random));
}

std::vector<EventDecoder> decoders() {
  std::vector<EventDecoder> all{EventDecoder()};
  for (const auto scope : {IdScope::kGlobal, IdScope::kSource, IdScope::kTopic})
    all.emplace_back(
        rules_with_id({composed_id({"/orderId", "/items/1/sku"}), id_from_pointer("/eventId"),
                       id_from_header("id"), id_from_pointer("/x/0"), id_from_coordinates()},
                      scope));
  return all;
}

/// What the inbox takes for granted.
void expect_storable(const std::string& text) {
  EXPECT_FALSE(text.empty());
  EXPECT_LE(text.size(), 512U);
  EXPECT_EQ(text.find('\0'), std::string::npos);
  EXPECT_TRUE(is_utf8(text));
}

/// Handlers see errors of the payload as PermanentError and nothing else.
void read_as_handler(const Event& event) {
  try {
    const JsonPayload payload(event);
    payload.text("/eventId");
    payload.texts("/items");
  } catch (const PermanentError&) {
  }
}

TEST(EventDecoderFuzz, DecodesAnythingToAnEventOrAReason) {
  Random random(kSeed);
  const auto all = decoders();
  int events = 0;
  int poisoned = 0;
  for (int i = 0; i < 100'000; ++i) {
    const DecodedRecord decoded(all[random() % all.size()], random_record(random));
    if (const auto* event = std::get_if<Event>(&decoded.decoded())) {
      ++events;
      expect_storable(event->id());
      expect_storable(event->type());
      read_as_handler(*event);
    } else if (const auto* poison = std::get_if<Poison>(&decoded.decoded())) {
      ++poisoned;
      ASSERT_FALSE(poison->reason.empty());
      ASSERT_TRUE(is_utf8(poison->detail));
    }
    ASSERT_FALSE(HasFailure()) << "seed " << kSeed << ", round " << i;
  }
  // Otherwise the inputs have drifted to one side and this test looks at nothing.
  EXPECT_GT(events, 10'000);
  EXPECT_GT(poisoned, 10'000);
}

TEST(EventDecoderFuzz, DecodesTheSameRecordTheSameWay) {
  Random random(kSeed + 1);
  const EventDecoder decoder;
  for (int i = 0; i < 5'000; ++i) {
    const auto record = random_record(random);
    const DecodedRecord first(decoder, record);
    const DecodedRecord second(decoder, record);
    ASSERT_EQ(first.decoded().index(), second.decoded().index());
    if (!std::holds_alternative<Event>(first.decoded())) continue;
    ASSERT_EQ(first.event().id(), second.event().id());
    ASSERT_EQ(first.event().fingerprint(), second.event().fingerprint());
    ASSERT_EQ(first.payload(), second.payload());
  }
}

}  // namespace
}  // namespace kinbox::testing

#include "kinbox/event_decoder.hpp"

#include <utility>

#include "core/event_body.hpp"
#include "core/event_id.hpp"
#include "core/event_type.hpp"
#include "core/json_document.hpp"
#include "kinbox/errors.hpp"
#include "kinbox/json.hpp"

namespace kinbox {
namespace {

void require(bool condition, std::string_view where, std::string_view what) {
  if (condition) return;
  std::string text("event identity of ");
  throw ConfigurationError(text.append(where).append(": ").append(what));
}

void require_usable(const IdFrom& from, std::string_view where) {
  if (from.kind == IdFrom::Kind::kHeader)
    require(!from.what.empty(), where, "an id from a header needs the header's name");
  if (from.kind == IdFrom::Kind::kJsonPointer) require_json_pointer(from.what);
  if (from.kind != IdFrom::Kind::kComposed) return;
  require(!from.pointers.empty(), where, "a composed id needs JSON pointers");
  for (const auto& pointer : from.pointers) require_json_pointer(pointer);
}

void require_usable(const TypeFrom& from, std::string_view where) {
  if (from.kind == TypeFrom::Kind::kHeader)
    require(!from.what.empty(), where, "a type from a header needs the header's name");
  if (from.kind == TypeFrom::Kind::kJsonPointer) require_json_pointer(from.what);
}

void require_usable(const IdentityRules& rules, std::string_view where) {
  require(!rules.id.empty(), where, "say where the id comes from (id)");
  require(!rules.type.empty(), where, "say where the type comes from (type)");
  require(rules.max_json_depth >= 1 && rules.max_json_depth <= kMaxJsonDepth, where,
          "max_json_depth must be 1 to " + std::to_string(kMaxJsonDepth));
  for (const auto& from : rules.id) require_usable(from, where);
  for (const auto& from : rules.type) require_usable(from, where);
}

/// The values `null` and null differ here: a producer that sends both under one id is reported.
Fingerprint fingerprint_of(const Record& record) {
  const auto value = record.value();
  return Fingerprint::of(value ? std::optional(without_schema_prefix(*value)) : std::nullopt);
}

Decoded event_of(const Record& record, EventBody& body, std::string id,
                 const IdentityRules& rules) {
  auto type = read_event_type(record, body, rules);
  if (auto* poison = std::get_if<Poison>(&type)) return std::move(*poison);
  Event::Parts parts{.id = std::move(id),
                     .type = std::get<std::string>(std::move(type)),
                     .payload = std::nullopt,
                     .unwrapped = std::nullopt,
                     .fingerprint = fingerprint_of(record)};
  if (const auto text = body.text()) {
    parts.payload = as_bytes(*text);
    parts.json = body.take_json();
    parts.unwrapped = body.take_unwrapped();
  }
  return Event(record, std::move(parts));
}

}  // namespace

std::vector<IdFrom> IdentityRules::default_id() {
  return {{.kind = IdFrom::Kind::kCloudEventsBinary, .what = {}, .pointers = {}},
          {.kind = IdFrom::Kind::kCloudEventsStructured, .what = {}, .pointers = {}},
          {.kind = IdFrom::Kind::kHeader, .what = "id", .pointers = {}},
          {.kind = IdFrom::Kind::kHeader, .what = "ID", .pointers = {}},
          {.kind = IdFrom::Kind::kHeader, .what = "MessageId", .pointers = {}},
          {.kind = IdFrom::Kind::kHeader, .what = "axon-message-id", .pointers = {}},
          {.kind = IdFrom::Kind::kJsonPointer, .what = "/eventId", .pointers = {}}};
}

std::vector<TypeFrom> IdentityRules::default_type() {
  return {{.kind = TypeFrom::Kind::kHeader, .what = "ce_type"},
          {.kind = TypeFrom::Kind::kHeader, .what = "eventType"},
          {.kind = TypeFrom::Kind::kHeader, .what = "event-type"},
          {.kind = TypeFrom::Kind::kJsonPointer, .what = "/eventType"},
          {.kind = TypeFrom::Kind::kTopic, .what = {}}};
}

EventDecoder::EventDecoder(IdentityRules fallback,
                           std::map<std::string, IdentityRules, std::less<>> by_topic)
    : fallback_(std::move(fallback)), by_topic_(std::move(by_topic)) {
  require_usable(fallback_, "all topics");
  for (const auto& [topic, rules] : by_topic_) require_usable(rules, "topic \"" + topic + '"');
}

Decoded EventDecoder::decode(const Record& record) const {
  const auto& rules = rules_for(record.topic());
  EventBody body(record, rules);
  if (auto poison = body.open()) return *std::move(poison);
  auto id = read_event_id(record, body, rules);
  if (auto* poison = std::get_if<Poison>(&id)) return std::move(*poison);
  if (auto* undecided = std::get_if<Undecided>(&id)) return std::move(*undecided);
  return event_of(record, body, std::get<std::string>(std::move(id)), rules);
}

Decoded EventDecoder::decode_as(std::string id, const Record& record) const {
  const auto& rules = rules_for(record.topic());
  EventBody body(record, rules);
  if (auto poison = body.open()) return *std::move(poison);
  return event_of(record, body, std::move(id), rules);
}

const IdentityRules& EventDecoder::rules_for(std::string_view topic) const {
  const auto found = by_topic_.find(topic);
  return found == by_topic_.end() ? fallback_ : found->second;
}

}  // namespace kinbox

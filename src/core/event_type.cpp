#include "core/event_type.hpp"

#include <string_view>
#include <utility>

#include "core/utf8.hpp"
#include "kinbox/reason.hpp"

namespace kinbox {
namespace {

constexpr std::size_t kMaxTypeBytes = 512;

using Extracted = std::variant<std::monostate, std::string, Poison>;

Poison invalid(const TypeFrom& from, std::string_view what) {
  std::string detail("the event type");
  if (from.kind != TypeFrom::Kind::kTopic) detail += " at \"" + from.what + '"';
  detail.append(" ").append(what);
  return {reason::kUndecodable, std::move(detail)};
}

/// Types are no identity: null, and a payload that never was JSON, leave it to the next place.
Extracted extracted(const TypeFrom& from, const JsonValue& value) {
  if (value.kind == JsonKind::kNull) return {};
  if (auto text = json_scalar(value)) return *std::move(text);
  return invalid(from, "is " + std::string(describe_json(value.kind)) + ", not a string");
}

Extracted from_header(const Record& record, const EventBody& body, const TypeFrom& from) {
  if (const auto header = record.header(from.what)) return std::string(as_text(*header));
  const auto* attributes = body.cloud_event();
  if (from.what != "ce_type" || !attributes || !attributes->type) return {};
  return extracted(from, *attributes->type);
}

Extracted from_pointer(EventBody& body, const TypeFrom& from) {
  auto found = body.find(from.what);
  if (auto* poison = std::get_if<Poison>(&found)) return std::move(*poison);
  if (const auto* not_json = std::get_if<EventBody::NotJson>(&found); not_json && not_json->broken)
    return Poison{reason::kUndecodable,
                  not_json->detail + "; the event type is looked for at \"" + from.what + '"'};
  if (const auto* value = std::get_if<JsonValue>(&found)) return extracted(from, *value);
  return {};
}

Extracted extract(const Record& record, EventBody& body, const TypeFrom& from) {
  switch (from.kind) {
    case TypeFrom::Kind::kHeader:
      return from_header(record, body, from);
    case TypeFrom::Kind::kJsonPointer:
      return from_pointer(body, from);
    case TypeFrom::Kind::kTopic:
      break;
  }
  return std::string(record.topic());
}

/// What the inbox could not store would fail the whole batch.
EventTypeRead checked(const TypeFrom& from, std::string type) {
  if (type.empty()) return invalid(from, "is empty");
  if (type.size() > kMaxTypeBytes)
    return invalid(from, "has " + std::to_string(type.size()) + " bytes, at most " +
                             std::to_string(kMaxTypeBytes) + " are allowed");
  if (type.find('\0') != std::string::npos) return invalid(from, "holds a NUL byte");
  if (!is_utf8(type)) return invalid(from, "is not UTF-8");
  return type;
}

}  // namespace

EventTypeRead read_event_type(const Record& record, EventBody& body, const IdentityRules& rules) {
  for (const auto& from : rules.type) {
    auto found = extract(record, body, from);
    if (auto* poison = std::get_if<Poison>(&found)) return std::move(*poison);
    if (auto* type = std::get_if<std::string>(&found)) return checked(from, std::move(*type));
  }
  return Poison{reason::kUndecodable, "the record names no event type in any configured place"};
}

}  // namespace kinbox

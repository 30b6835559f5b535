#include "core/event_body.hpp"

#include <algorithm>

#include "core/base64.hpp"
#include "kinbox/errors.hpp"
#include "kinbox/reason.hpp"

namespace kinbox {
namespace {

constexpr std::size_t kSchemaPrefix = 5;
constexpr std::string_view kCloudEventsJson = "application/cloudevents+json";

/// "Application/JSON; charset=UTF-8" -> "application/json".
std::string media_type(std::string_view content_type) {
  std::string type(content_type.substr(0, content_type.find(';')));
  const auto last = type.find_last_not_of(" \t");
  type.erase(last == std::string::npos ? 0 : last + 1);
  type.erase(0, type.find_first_not_of(" \t"));
  std::transform(type.begin(), type.end(), type.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c; });
  return type;
}

bool says_cloud_event(const Record& record) {
  const auto content_type = record.header("content-type");
  return content_type && media_type(as_text(*content_type)) == kCloudEventsJson;
}

bool is_json_media_type(const JsonValue& content_type) {
  if (content_type.kind != JsonKind::kString) return false;
  const auto type = media_type(json_string(content_type.token));
  return type.ends_with("/json") || type.ends_with("+json");
}

bool starts_like_container(std::string_view text) {
  return json_starts_with(text, "{") || json_starts_with(text, "[");
}

/// Without reading it all: whether the first key is one of Connect's two.
bool starts_like_connect(std::string_view text) {
  if (!json_starts_with(text, "{")) return false;
  text.remove_prefix(text.find('{') + 1);
  return json_starts_with(text, "\"schema\"") || json_starts_with(text, "\"payload\"");
}

/// The payload of Connect's envelope: exactly these two members, the schema an object or null.
const JsonValue* connect_payload(const JsonDocument& document) {
  const auto* schema = document.member("schema");
  const auto* payload = document.member("payload");
  if (!schema || !payload || document.children.size() != 2) return nullptr;
  const bool connect = schema->kind == JsonKind::kObject || schema->kind == JsonKind::kNull;
  return connect ? payload : nullptr;
}

std::optional<JsonValue> copy_of(const JsonValue* value) {
  return value ? std::optional(*value) : std::nullopt;
}

std::optional<std::string> decode_base64(std::string_view text) {
  try {
    return base64_decode(text);
  } catch (const Error&) {
    return std::nullopt;
  }
}

bool is_syntax_fault(const JsonRead& read) {
  const auto* fault = std::get_if<JsonFault>(&read);
  return fault && *fault == JsonFault::kSyntax;
}

Poison undecodable(std::string detail) { return {reason::kUndecodable, std::move(detail)}; }

}  // namespace

Bytes without_schema_prefix(Bytes value) {
  const bool framed = value.size() >= kSchemaPrefix && value.front() == std::byte{0};
  return framed ? value.subspan(kSchemaPrefix) : value;
}

std::optional<Poison> EventBody::open() {
  const auto value = record_.value();
  if (!value) return {};
  if (value->size() > rules_.max_value_bytes)
    return Poison{reason::kTooLarge,
                  "the value has " + std::to_string(value->size()) + " bytes, at most " +
                      std::to_string(rules_.max_value_bytes) + " are allowed (max_value)"};
  text_ = as_text(*value);
  strip_schema_prefix();
  open_null_literal();
  if (!text_) return {};
  if (says_cloud_event(record_)) return open_cloud_event();
  open_connect_envelope();
  open_json_string();
  open_null_literal();
  return {};
}

EventBody::Found EventBody::find(std::string_view pointer) {
  if (!text_) return {};
  const auto& read = json();
  if (is_syntax_fault(read)) return not_json();
  if (const auto* fault = std::get_if<JsonFault>(&read)) return poison(*fault);
  const auto found = find_json(std::get<JsonDocument>(read), pointer);
  if (const auto* fault = std::get_if<JsonFault>(&found)) return poison(*fault);
  if (const auto* value = std::get_if<JsonValue>(&found)) return *value;
  return {};
}

const JsonRead& EventBody::json() {
  if (!json_) json_ = read_json(*text_, {.max_depth = rules_.max_json_depth});
  return *json_;
}

std::shared_ptr<const JsonDocument> EventBody::take_json() {
  auto* document = json_ && !unwrapped_ ? std::get_if<JsonDocument>(&*json_) : nullptr;
  return document ? std::make_shared<const JsonDocument>(std::move(*document)) : nullptr;
}

void EventBody::set_text(std::string_view text) {
  text_ = text;
  json_.reset();
}

void EventBody::set_built_text(std::string text) {
  unwrapped_ = std::move(text);
  set_text(*unwrapped_);
}

/// Only a JSON payload is taken out of its frame: who reads Avro or Protobuf needs the schema id.
void EventBody::strip_schema_prefix() {
  const auto rest = as_text(without_schema_prefix(as_bytes(*text_)));
  if (rest.size() == text_->size()) return;
  if (starts_like_container(rest) || json_starts_with(rest, "\"")) {
    const auto framed = *text_;
    set_text(rest);
    if (!is_syntax_fault(json())) return;
    set_text(framed);
  }
  framed_binary_ = true;
}

std::optional<Poison> EventBody::open_cloud_event() {
  const auto* envelope = std::get_if<JsonDocument>(&json());
  if (!envelope || envelope->root.kind != JsonKind::kObject)
    return undecodable("content-type says " + std::string(kCloudEventsJson) +
                       ", but the value is no JSON object within the limits (unique keys, depth " +
                       std::to_string(rules_.max_json_depth) + ")");
  cloud_event_ = {.source = copy_of(envelope->member("source")),
                  .id = copy_of(envelope->member("id")),
                  .type = copy_of(envelope->member("type"))};
  return take_cloud_event_data(*envelope);
}

std::optional<Poison> EventBody::take_cloud_event_data(const JsonDocument& envelope) {
  const auto data = copy_of(envelope.member("data"));
  const auto base64 = copy_of(envelope.member("data_base64"));
  if (data && base64)
    return undecodable("the CloudEvents envelope has both \"data\" and \"data_base64\"");
  if (base64) return take_base64_data(*base64);
  if (data) return take_plain_data(*data, envelope.member("datacontenttype"));
  text_.reset();
  return {};
}

std::optional<Poison> EventBody::take_plain_data(const JsonValue& data,
                                                 const JsonValue* content_type) {
  // CloudEvents JSON format 3.1: of any other content type, the string's content is the data.
  if (data.kind == JsonKind::kString && content_type && !is_json_media_type(*content_type)) {
    set_built_text(json_string(data.token));
    return {};
  }
  set_text(data.token);
  open_json_string();
  open_null_literal();
  return {};
}

std::optional<Poison> EventBody::take_base64_data(const JsonValue& data) {
  if (data.kind != JsonKind::kString) return undecodable("\"data_base64\" is not a string");
  auto bytes = decode_base64(json_string(data.token));
  if (!bytes) return undecodable("\"data_base64\" is not base64");
  set_built_text(*std::move(bytes));
  return {};
}

void EventBody::open_connect_envelope() {
  if (!starts_like_connect(*text_)) return;
  const auto* document = std::get_if<JsonDocument>(&json());
  const auto* payload = document ? connect_payload(*document) : nullptr;
  if (payload) set_text(payload->token);
}

/// Whatever else stands in the string, even if it reads as JSON, is a text and stays one.
void EventBody::open_json_string() {
  if (!json_starts_with(*text_, "\"")) return;
  const auto* document = std::get_if<JsonDocument>(&json());
  if (!document) return;
  unwrapped_ = json_string(document->root.token);
  if (starts_like_container(*unwrapped_)) {
    auto inner = read_json(*unwrapped_, {.max_depth = rules_.max_json_depth});
    if (!is_syntax_fault(inner)) {
      text_ = *unwrapped_;
      json_ = std::move(inner);
      return;
    }
  }
  unwrapped_.reset();
}

void EventBody::open_null_literal() {
  if (text_ && *text_ == "null") text_.reset();
}

EventBody::NotJson EventBody::not_json() const {
  if (framed_binary_)
    return {"the value has a Confluent schema prefix and is not JSON (Avro or Protobuf)", false};
  if (text_->empty()) return {"the value is empty", false};
  return {"the value is not JSON", starts_like_container(*text_)};
}

Poison EventBody::poison(JsonFault fault) const {
  if (fault == JsonFault::kTooDeep)
    return undecodable("the value's JSON is nested deeper than " +
                       std::to_string(rules_.max_json_depth) + " levels (max_json_depth)");
  return undecodable("the value's JSON has an object that holds a key twice");
}

}  // namespace kinbox

#include <algorithm>
#include <charconv>
#include <limits>
#include <utility>

#include "core/json_document.hpp"
#include "core/json_pointer.hpp"
#include "kinbox/errors.hpp"
#include "kinbox/json.hpp"

namespace kinbox {
namespace {

std::string quoted(std::string_view text) { return '"' + std::string(text) + '"'; }

[[noreturn]] void refuse(std::string_view pointer, std::string_view what) {
  std::string text("payload: ");
  throw PermanentError(text.append(quoted(pointer)).append(" ").append(what));
}

[[noreturn]] void refuse_kind(std::string_view pointer, JsonKind kind, std::string_view wanted) {
  std::string text("is ");
  refuse(pointer, text.append(describe_json(kind)).append(", not ").append(wanted));
}

std::string fault_text(JsonFault fault, int max_depth) {
  switch (fault) {
    case JsonFault::kTooDeep:
      return "payload is nested deeper than " + std::to_string(max_depth) + " levels";
    case JsonFault::kDuplicateKey:
      return "payload holds a key twice";
    case JsonFault::kSyntax:
      break;
  }
  return "payload is not JSON";
}

std::shared_ptr<const JsonDocument> read_payload(const Event& event, int max_depth) {
  if (event.json() && event.json()->max_depth <= max_depth) return event.json();
  const auto payload = event.payload();
  if (!payload) throw PermanentError("payload is null (a tombstone)");
  auto read = read_json(as_text(*payload), {.max_depth = max_depth});
  if (const auto* fault = std::get_if<JsonFault>(&read))
    throw PermanentError(fault_text(*fault, max_depth));
  return std::make_shared<const JsonDocument>(std::get<JsonDocument>(std::move(read)));
}

std::string text_of(const JsonValue& value, std::string_view pointer) {
  auto text = json_scalar(value);
  if (!text) refuse_kind(pointer, value.kind, "a string or a number");
  return *std::move(text);
}

}  // namespace

class JsonPayload::Impl {
 public:
  explicit Impl(std::shared_ptr<const JsonDocument> document) : document_(std::move(document)) {}

  /// Nothing when the field is absent.
  std::optional<JsonValue> find(std::string_view pointer) const {
    require_json_pointer(pointer);
    const auto found = find_json(*document_, pointer);
    if (std::holds_alternative<JsonFault>(found))
      refuse(pointer, "lies in an object with a key twice");
    if (const auto* value = std::get_if<JsonValue>(&found)) return *value;
    return std::nullopt;
  }

  JsonValue get(std::string_view pointer) const {
    const auto found = find(pointer);
    if (!found) throw PermanentError("payload has no " + quoted(pointer));
    return *found;
  }

 private:
  std::shared_ptr<const JsonDocument> document_;
};

JsonPayload::JsonPayload(const Event& event, int max_depth)
    : impl_(std::make_unique<Impl>(read_payload(event, std::min(max_depth, kMaxJsonDepth)))) {}
JsonPayload::JsonPayload(JsonPayload&&) noexcept = default;
JsonPayload& JsonPayload::operator=(JsonPayload&&) noexcept = default;
JsonPayload::~JsonPayload() = default;

std::string JsonPayload::text(std::string_view pointer) const {
  return text_of(impl_->get(pointer), pointer);
}

std::optional<std::string> JsonPayload::optional_text(std::string_view pointer) const {
  const auto found = impl_->find(pointer);
  if (!found || found->kind == JsonKind::kNull) return std::nullopt;
  return text_of(*found, pointer);
}

std::vector<std::string> JsonPayload::texts(std::string_view pointer) const {
  const auto array = impl_->get(pointer);
  if (array.kind != JsonKind::kArray) refuse_kind(pointer, array.kind, "an array");
  constexpr JsonLimits kAll{.max_depth = kMaxJsonDepth,
                            .elements = std::numeric_limits<std::size_t>::max()};
  const auto read = read_json(array.token, kAll);
  std::vector<std::string> texts;
  for (const auto& element : std::get<JsonDocument>(read).children)
    texts.push_back(
        text_of(element.value, std::string(pointer) + '/' + std::to_string(texts.size())));
  return texts;
}

std::int64_t JsonPayload::integer(std::string_view pointer) const {
  const auto value = impl_->get(pointer);
  if (value.kind != JsonKind::kNumber) refuse_kind(pointer, value.kind, "a number");
  std::int64_t number = 0;
  const char* const end = value.token.data() + value.token.size();
  const auto [stop, error] = std::from_chars(value.token.data(), end, number);
  if (error != std::errc{} || stop != end) refuse(pointer, "is not a whole number of 64 bits");
  return number;
}

std::string JsonPayload::decimal(std::string_view pointer) const {
  auto token = text(pointer);
  if (!is_json_number(token)) refuse(pointer, "is not a decimal number");
  return token;
}

bool JsonPayload::boolean(std::string_view pointer) const {
  const auto value = impl_->get(pointer);
  if (value.kind != JsonKind::kBoolean) refuse_kind(pointer, value.kind, "a boolean");
  return value.token == "true";
}

std::string JsonPayload::json(std::string_view pointer) const {
  return std::string(impl_->get(pointer).token);
}

}  // namespace kinbox

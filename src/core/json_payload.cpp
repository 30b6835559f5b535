#include <algorithm>
#include <charconv>
#include <limits>
#include <utility>

#include "core/json_document.hpp"
#include "core/json_pointer.hpp"
#include "core/minor_units.hpp"
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

}  // namespace

class JsonPayload::Impl {
 public:
  /// `place`: the pointer to the document's root in the payload.
  explicit Impl(std::shared_ptr<const JsonDocument> document, std::string place = "")
      : document_(std::move(document)), place_(std::move(place)) {}

  /// What errors call it.
  std::string in_payload(std::string_view pointer) const { return place_ + std::string(pointer); }

  /// Nothing when the field is absent.
  std::optional<JsonValue> find(std::string_view pointer) const {
    require_json_pointer(pointer);
    const auto found = find_json(*document_, pointer);
    if (std::holds_alternative<JsonFault>(found))
      refuse(in_payload(pointer), "lies in an object with a key twice");
    if (const auto* value = std::get_if<JsonValue>(&found)) return *value;
    return std::nullopt;
  }

  JsonValue get(std::string_view pointer) const {
    const auto found = find(pointer);
    if (!found) throw PermanentError("payload has no " + quoted(in_payload(pointer)));
    return *found;
  }

  /// `value` stands at `pointer`.
  std::string text_of(const JsonValue& value, std::string_view pointer) const {
    auto text = json_scalar(value);
    if (!text) refuse_kind(in_payload(pointer), value.kind, "a string or a number");
    return *std::move(text);
  }

  /// The array there, with its elements.
  JsonDocument array(std::string_view pointer) const {
    const auto value = get(pointer);
    if (value.kind != JsonKind::kArray) refuse_kind(in_payload(pointer), value.kind, "an array");
    constexpr JsonLimits kAll{.max_depth = kMaxJsonDepth,
                              .elements = std::numeric_limits<std::size_t>::max()};
    return std::get<JsonDocument>(read_json(value.token, kAll));
  }

 private:
  std::shared_ptr<const JsonDocument> document_;
  std::string place_;
};

JsonPayload::JsonPayload(const Event& event, int max_depth)
    : impl_(std::make_unique<Impl>(read_payload(event, std::min(max_depth, kMaxJsonDepth)))) {}
JsonPayload::JsonPayload(std::unique_ptr<const Impl> impl) : impl_(std::move(impl)) {}
JsonPayload::JsonPayload(JsonPayload&&) noexcept = default;
JsonPayload& JsonPayload::operator=(JsonPayload&&) noexcept = default;
JsonPayload::~JsonPayload() = default;

std::string JsonPayload::text(std::string_view pointer) const {
  return impl_->text_of(impl_->get(pointer), pointer);
}

std::optional<std::string> JsonPayload::optional_text(std::string_view pointer) const {
  const auto found = impl_->find(pointer);
  if (!found || found->kind == JsonKind::kNull) return std::nullopt;
  return impl_->text_of(*found, pointer);
}

std::vector<std::string> JsonPayload::texts(std::string_view pointer) const {
  std::vector<std::string> texts;
  for (const auto& element : impl_->array(pointer).children)
    texts.push_back(
        impl_->text_of(element.value, std::string(pointer) + '/' + std::to_string(texts.size())));
  return texts;
}

std::vector<JsonPayload> JsonPayload::elements(std::string_view pointer) const {
  std::vector<JsonPayload> elements;
  for (const auto& element : impl_->array(pointer).children) {
    auto place = impl_->in_payload(pointer) + '/' + std::to_string(elements.size());
    auto read = read_json(element.value.token, {.max_depth = kMaxJsonDepth});
    // What is wrong with a text that was read before shows in its root only.
    if (std::holds_alternative<JsonFault>(read)) refuse(place, "holds a key twice");
    auto document = std::make_shared<const JsonDocument>(std::get<JsonDocument>(std::move(read)));
    elements.push_back(
        JsonPayload(std::make_unique<const Impl>(std::move(document), std::move(place))));
  }
  return elements;
}

std::int64_t JsonPayload::integer(std::string_view pointer) const {
  const auto value = impl_->get(pointer);
  if (value.kind != JsonKind::kNumber)
    refuse_kind(impl_->in_payload(pointer), value.kind, "a number");
  std::int64_t number = 0;
  const char* const end = value.token.data() + value.token.size();
  const auto [stop, error] = std::from_chars(value.token.data(), end, number);
  if (error != std::errc{} || stop != end)
    refuse(impl_->in_payload(pointer), "is not a whole number of 64 bits");
  return number;
}

std::string JsonPayload::decimal(std::string_view pointer) const {
  auto token = text(pointer);
  if (!is_json_number(token)) refuse(impl_->in_payload(pointer), "is not a decimal number");
  return token;
}

std::int64_t JsonPayload::minor_units(std::string_view pointer, int digits) const {
  const auto units = kinbox::minor_units(decimal(pointer), digits);
  if (!units)
    refuse(impl_->in_payload(pointer),
           "has more than " + std::to_string(digits) + " decimals, or is too large");
  return *units;
}

bool JsonPayload::boolean(std::string_view pointer) const {
  const auto value = impl_->get(pointer);
  if (value.kind != JsonKind::kBoolean)
    refuse_kind(impl_->in_payload(pointer), value.kind, "a boolean");
  return value.token == "true";
}

std::string JsonPayload::json(std::string_view pointer) const {
  return std::string(impl_->get(pointer).token);
}

}  // namespace kinbox

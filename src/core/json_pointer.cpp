#include "core/json_pointer.hpp"

#include <algorithm>
#include <charconv>
#include <optional>
#include <string>

#include "kinbox/errors.hpp"
#include "kinbox/json.hpp"

namespace kinbox {
namespace {

// Checked when the document was read; what lies inside cannot be deeper.
constexpr int kAnyDepth = kMaxJsonDepth;

/// Cuts the first reference token off `pointer`, which starts with '/'.
std::string_view cut_token(std::string_view& pointer) {
  const auto end = std::min(pointer.find('/', 1), pointer.size());
  const auto token = pointer.substr(1, end - 1);
  pointer.remove_prefix(end);
  return token;
}

std::string unescape(std::string_view token) {
  std::string name;
  for (std::size_t i = 0; i < token.size(); ++i) {
    if (token[i] == '~') {
      ++i;
      name += token[i] == '0' ? '~' : '/';
    } else {
      name += token[i];
    }
  }
  return name;
}

const JsonValue* find_member(const JsonDocument& object, std::string_view token) {
  if (token.find('~') == std::string_view::npos) return object.member(token);
  return object.member(unescape(token));
}

/// RFC 6901: digits without leading zeros.
std::optional<std::size_t> array_index(std::string_view token) {
  std::size_t index = 0;
  const auto end = token.data() + token.size();
  const auto [stop, error] = std::from_chars(token.data(), end, index);
  const bool leading_zero = token.size() > 1 && token.front() == '0';
  if (error != std::errc{} || stop != end || leading_zero) return std::nullopt;
  return index;
}

JsonFound find_element(std::string_view array, std::string_view token) {
  const auto index = array_index(token);
  if (!index) return {};
  const auto read = read_json(array, {.max_depth = kAnyDepth, .elements = *index + 1});
  const auto& elements = std::get<JsonDocument>(read).children;
  if (*index >= elements.size()) return {};
  return elements[*index].value;
}

JsonFound find_child(const JsonValue& parent, std::string_view token) {
  if (parent.kind == JsonKind::kArray) return find_element(parent.token, token);
  if (parent.kind != JsonKind::kObject) return {};
  const auto read = read_json(parent.token, {.max_depth = kAnyDepth});
  if (const auto* fault = std::get_if<JsonFault>(&read)) return *fault;
  const auto* member = find_member(std::get<JsonDocument>(read), token);
  return member ? JsonFound(*member) : JsonFound();
}

}  // namespace

void require_json_pointer(std::string_view pointer) {
  const auto refuse = [&](const char* why) {
    throw ConfigurationError("JSON pointer \"" + std::string(pointer) + "\": " + why);
  };
  if (!pointer.empty() && pointer.front() != '/') refuse("it must start with '/', as in /eventId");
  for (auto at = pointer.find('~'); at != std::string_view::npos; at = pointer.find('~', at + 1))
    if (at + 1 == pointer.size() || (pointer[at + 1] != '0' && pointer[at + 1] != '1'))
      refuse("write '~' as ~0 and '/' as ~1");
}

JsonFound find_json(const JsonDocument& document, std::string_view pointer) {
  if (pointer.empty()) return document.root;
  JsonFound found;
  if (document.root.kind == JsonKind::kObject) {
    const auto* member = find_member(document, cut_token(pointer));
    if (!member) return {};
    found = *member;
  } else {
    found = document.root;
  }
  while (!pointer.empty() && std::holds_alternative<JsonValue>(found)) {
    const auto parent = std::get<JsonValue>(found);
    found = find_child(parent, cut_token(pointer));
  }
  return found;
}

}  // namespace kinbox

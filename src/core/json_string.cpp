#include <charconv>
#include <cstdint>

#include "core/json_document.hpp"
#include "core/utf8.hpp"

namespace kinbox {
namespace {

std::uint32_t code_unit(std::string_view digits) {
  std::uint32_t unit = 0;
  std::from_chars(digits.data(), digits.data() + 4, unit, 16);
  return unit;
}

char named_escape(char name) {
  switch (name) {
    case 'b':
      return '\b';
    case 'f':
      return '\f';
    case 'n':
      return '\n';
    case 'r':
      return '\r';
    case 't':
      return '\t';
    default:
      return name;
  }
}

/// `escape` starts behind the backslash. Returns how much of it was used.
std::size_t append_escape(std::string& text, std::string_view escape) {
  if (escape[0] != 'u') {
    text += named_escape(escape[0]);
    return 1;
  }
  const auto unit = code_unit(escape.substr(1));
  if (unit < 0xD800 || unit > 0xDFFF) {
    append_utf8(text, unit);
    return 5;
  }
  // The reader has seen to it that the other half follows as \uXXXX.
  const auto low = code_unit(escape.substr(7));
  append_utf8(text, 0x10000 + ((unit - 0xD800) << 10) + (low - 0xDC00));
  return 11;
}

}  // namespace

std::string json_string(std::string_view token) {
  auto rest = token.substr(1, token.size() - 2);
  std::string text;
  text.reserve(rest.size());
  for (auto backslash = rest.find('\\'); backslash != rest.npos; backslash = rest.find('\\')) {
    text += rest.substr(0, backslash);
    rest.remove_prefix(backslash + 1);
    rest.remove_prefix(append_escape(text, rest));
  }
  text += rest;
  return text;
}

std::optional<std::string> json_scalar(const JsonValue& value) {
  if (value.kind == JsonKind::kString) return json_string(value.token);
  if (value.kind == JsonKind::kNumber) return std::string(value.token);
  return std::nullopt;
}

std::string_view describe_json(JsonKind kind) {
  switch (kind) {
    case JsonKind::kObject:
      return "an object";
    case JsonKind::kArray:
      return "an array";
    case JsonKind::kString:
      return "a string";
    case JsonKind::kNumber:
      return "a number";
    case JsonKind::kBoolean:
      return "a boolean";
    case JsonKind::kNull:
      break;
  }
  return "null";
}

}  // namespace kinbox

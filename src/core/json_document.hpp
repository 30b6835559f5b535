#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace kinbox {

enum class JsonKind { kObject, kArray, kString, kNumber, kBoolean, kNull };

/// A JSON value where it stands in a text that was checked. The token is exactly what the producer
/// wrote: `1.0` stays `1.0`, a string keeps its quotes and escapes.
struct JsonValue {
  JsonKind kind = JsonKind::kNull;
  std::string_view token;
};

/// A member of an object, or an element of an array (whose key is empty).
struct JsonChild {
  /// Between the quotes, escapes as written.
  std::string_view key;
  bool key_has_escapes = false;
  JsonValue value;
};

/// A JSON text that was checked from end to end in one pass, and the first level of it. No tree is
/// built: what lies deeper is read when somebody asks. Points into the text.
struct JsonDocument {
  JsonValue root;
  std::vector<JsonChild> children;
  /// The limit that the text was held to when it was read.
  int max_depth = 0;

  /// The member of that name, unescaped; null if there is none or the root is no object.
  const JsonValue* member(std::string_view name) const;
};

enum class JsonFault {
  kSyntax,
  kTooDeep,
  /// In the root object. Deeper objects are not looked at.
  kDuplicateKey,
};

/// No text may be allowed more: the reader is recursive.
inline constexpr int kMaxJsonDepth = 1000;

struct JsonLimits {
  /// Containers within each other.
  int max_depth = 64;
  /// Elements of a root array to remember. Members of a root object are remembered all.
  std::size_t elements = 0;
};

using JsonRead = std::variant<JsonDocument, JsonFault>;

/// Strict RFC 8259; a leading byte order mark is passed over, a lone surrogate is refused.
JsonRead read_json(std::string_view text, JsonLimits limits);

/// What a string token stands for. The token comes from a JsonDocument.
std::string json_string(std::string_view token);

/// A string's content or a number's token: what can serve as an id or a name. Nothing for the rest.
std::optional<std::string> json_scalar(const JsonValue& value);

/// "an object", "a string" ... for error texts.
std::string_view describe_json(JsonKind kind);

/// Whether `text` starts, white space aside, with `first`. Cheap; says nothing about the rest.
bool json_starts_with(std::string_view text, std::string_view first);

/// Whether `text` is one JSON number and nothing else.
bool is_json_number(std::string_view text);

}  // namespace kinbox

#pragma once

#include <string_view>
#include <variant>

#include "core/json_document.hpp"

namespace kinbox {

/// What a pointer leads to: nothing, a value, or an object on the way that holds a key twice.
using JsonFound = std::variant<std::monostate, JsonValue, JsonFault>;

/// `pointer` is one that require_json_pointer accepts. Only the objects and arrays on its path are
/// looked into.
JsonFound find_json(const JsonDocument& document, std::string_view pointer);

}  // namespace kinbox

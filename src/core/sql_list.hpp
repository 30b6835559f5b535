#pragma once

#include <string>
#include <type_traits>

#include "kinbox/dialect.hpp"

namespace kinbox {

/// A list as one text parameter: an array of PostgreSQL, or JSON for SQLite's json_each, so that
/// the statement's text is the same whatever is in the list. `quote` stands around each item; items
/// hold no quotes themselves.
template <typename List>
std::string sql_list(Backend backend, const List& list, const char* quote = "") {
  std::string text;
  for (const auto& item : list) {
    if (!text.empty()) text += ',';
    text += quote;
    if constexpr (std::is_integral_v<std::decay_t<decltype(item)>>)
      text += std::to_string(item);
    else
      text += item;
    text += quote;
  }
  return backend == Backend::kSqlite ? '[' + text + ']' : '{' + text + '}';
}

/// The condition that `column` is in the list that parameter `list` ("$1") holds; `type` is that of
/// PostgreSQL's elements.
inline std::string sql_in_list(const Dialect& dialect, std::string_view column,
                               std::string_view list, std::string_view type = "bigint") {
  const std::string name(column);
  const std::string parameter(list);
  return dialect.backend() == Backend::kSqlite
             ? name + " IN (SELECT value FROM json_each(" + parameter + "))"
             : name + " = ANY (" + parameter + "::" + std::string(type) + "[])";
}

}  // namespace kinbox

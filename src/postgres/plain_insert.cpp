#include "postgres/plain_insert.hpp"

#include <algorithm>
#include <mutex>
#include <regex>

namespace kinbox::postgres {
namespace {

using Match = std::match_results<std::string_view::const_iterator>;

const std::regex& form() {
  // Table, columns, values, the rest. A parenthesis in a quoted name ends a match, or none begins.
  static const std::regex kForm(
      R"(\s*INSERT\s+INTO\s+([^\s();$]+)\s*\(([^();$]+)\)\s*VALUES\s*\(([\s$0-9,]+)\)\s*([^;]*?)\s*;?\s*)",
      std::regex::icase);
  return kForm;
}

const std::regex& do_nothing() {
  // A conflict target with a predicate may hold much, but no parameter.
  static const std::regex kDoNothing(R"(ON\s+CONFLICT\b[^$]*\bDO\s+NOTHING)", std::regex::icase);
  return kDoNothing;
}

/// "$2, $1" as numbers; empty when it is something else.
std::vector<std::size_t> numbers_in(const std::string& values) {
  static const std::regex kPlaceholder(R"(\s*\$([1-9][0-9]{0,4})\s*(,|$))");
  std::vector<std::size_t> numbers;
  auto from = values.begin();
  std::smatch match;
  while (std::regex_search(from, values.end(), match, kPlaceholder,
                           std::regex_constants::match_continuous)) {
    numbers.push_back(std::stoul(match[1]));
    from = match[0].second;
    if (from == values.end()) return match[2].length() == 0 ? numbers : std::vector<std::size_t>{};
  }
  return {};
}

bool each_once(std::vector<std::size_t> numbers) {
  std::sort(numbers.begin(), numbers.end());
  for (std::size_t i = 0; i < numbers.size(); ++i)
    if (numbers[i] != i + 1) return false;
  return !numbers.empty();
}

bool has_comment(std::string_view sql) {
  return sql.find("--") != std::string_view::npos || sql.find("/*") != std::string_view::npos;
}

// std::regex recurses for every character.
constexpr std::size_t kMaxText = 4'096;

}  // namespace

std::optional<PlainInsert> parse_plain_insert(std::string_view sql) {
  // libstdc++'s regex writes to a cache of the global locale, unlocked (its PR 77704). Each text
  // is parsed once per connection.
  static std::mutex one_at_a_time;
  const std::lock_guard lock(one_at_a_time);
  Match match;
  if (sql.size() > kMaxText || has_comment(sql) ||
      !std::regex_match(sql.begin(), sql.end(), match, form()))
    return std::nullopt;
  PlainInsert insert{match[1], match[2], numbers_in(match[3]), match[4]};
  if (!each_once(insert.parameters)) return std::nullopt;
  if (!insert.on_conflict.empty() && !std::regex_match(insert.on_conflict, do_nothing()))
    return std::nullopt;
  return insert;
}

std::string insert_from_arrays(const PlainInsert& insert,
                               const std::vector<std::string>& array_types) {
  std::string arrays, names, values;
  for (std::size_t i = 0; i < array_types.size(); ++i) {
    const auto* comma = i == 0 ? "" : ", ";
    const auto number = std::to_string(i + 1);
    arrays += comma + ("$" + number) + "::" + array_types[i];
    names += comma + ("p" + number);
    values += comma + ("p.p" + std::to_string(insert.parameters[i]));
  }
  return "INSERT INTO " + insert.table + " (" + insert.columns + ") SELECT " + values +
         " FROM unnest(" + arrays + ") AS p (" + names + ") " + insert.on_conflict;
}

}  // namespace kinbox::postgres

#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <variant>
#include <vector>

namespace kinbox::cli {

/// One value of a command's answer; std::monostate is "not known" (null in JSON, "-" in a table).
using Cell = std::variant<std::monostate, bool, std::int64_t, double, std::string>;

struct Column {
  /// snake_case: the JSON key and the CSV heading; a table shows it in capitals.
  std::string name;
  /// Left out of a table, which must fit a terminal; always there for programs.
  bool detail = false;
  /// A table cuts longer texts to so many characters; 0: to none.
  std::size_t widest = 0;
};

/// A command's answer, before it has a form. Every row has one cell per column.
struct Table {
  std::vector<Column> columns;
  std::vector<std::vector<Cell>> rows;
};

}  // namespace kinbox::cli

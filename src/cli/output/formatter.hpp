#pragma once

#include <ostream>

#include "cli/output/table.hpp"

namespace kinbox::cli {

enum class OutputFormat {
  /// Aligned columns for people. Control characters are shown as escapes.
  kTable,
  /// The same with every column, nothing cut.
  kWide,
  /// One array of objects.
  kJson,
  /// One object per line.
  kJsonLines,
  /// RFC 4180 with a heading; an unknown value is an empty field.
  kCsv,
};

/// Writes `table`, complete with its last line's end. Text that is not UTF-8 is written with
/// U+FFFD in place of the bad bytes, except as CSV, which keeps its bytes.
void write(std::ostream& out, const Table& table, OutputFormat format);

}  // namespace kinbox::cli

#pragma once

#include <ostream>

#include "cli/output/table.hpp"

namespace kinbox::cli {

enum class Width {
  /// Without detail columns, and long texts cut where their column says so.
  kTerminal,
  kAll,
};

/// Aligned columns, numbers to the right. Says so when there is no row.
void write_text_table(std::ostream& out, const Table& table, Width width);

}  // namespace kinbox::cli

#pragma once

#include <ostream>

#include "cli/output/table.hpp"

namespace kinbox::cli {

/// Aligned columns, numbers to the right; detail columns are left out. Says so when there is no
/// row.
void write_text_table(std::ostream& out, const Table& table);

}  // namespace kinbox::cli

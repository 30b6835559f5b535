#pragma once

#include <ostream>

#include "cli/output/table.hpp"

namespace kinbox::cli {

/// One array of objects, one object per line of text.
void write_json(std::ostream& out, const Table& table);

/// One object per line, no array around them.
void write_json_lines(std::ostream& out, const Table& table);

}  // namespace kinbox::cli

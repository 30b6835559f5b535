#pragma once

#include <ostream>

#include "cli/output/table.hpp"

namespace kinbox::cli {

/// RFC 4180: CRLF, a heading, fields quoted where they must be.
void write_csv(std::ostream& out, const Table& table);

}  // namespace kinbox::cli

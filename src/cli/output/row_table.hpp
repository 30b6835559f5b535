#pragma once

#include <vector>

#include "cli/output/table.hpp"
#include "kinbox/rows.hpp"

namespace kinbox::cli {

/// The rows of a query as a command's answer; each column is found by its name. Bytes are made
/// readable.
Table table_of(const Rows& rows, std::vector<Column> columns);

}  // namespace kinbox::cli

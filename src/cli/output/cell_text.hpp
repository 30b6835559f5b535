#pragma once

#include <string>
#include <string_view>

#include "cli/output/table.hpp"

namespace kinbox::cli {

/// The cell as plain text; `unknown` stands for std::monostate.
std::string to_text(const Cell& cell, std::string_view unknown);

}  // namespace kinbox::cli

#pragma once

#include "cli/config/config.hpp"
#include "cli/output/table.hpp"

namespace kinbox::cli {

/// Every setting in force, one per row: its path, its value (secrets as ***), and where it comes
/// from: "file", the name of a KINBOX_* variable, or "default".
Table show_config(const Config& config);

}  // namespace kinbox::cli

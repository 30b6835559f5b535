#pragma once

#include <string>

#include "cli/config/environment.hpp"

namespace kinbox::cli {

/// Who acts, for the audit: `given` on the line (--as), else KINBOX_OPERATOR, else the user of the
/// operating system and the host: "zoe@desk-3".
std::string operator_name(const std::string& given, const Environment& environment);

}  // namespace kinbox::cli

#pragma once

#include <string>

#include "cli/config/config.hpp"
#include "cli/config/environment.hpp"

namespace kinbox::cli {

/// Reads `file`. Throws ConfigurationError with all that is wrong, a line each: file, line, path,
/// what is wrong, what to write.
Config load_config(const std::string& file, const Environment& environment);

/// The same from text; `file` is what errors and relative paths refer to.
Config parse_config(const std::string& text, const std::string& file,
                    const Environment& environment);

}  // namespace kinbox::cli

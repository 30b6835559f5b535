#pragma once

#include <string>

namespace kinbox::cli {

/// The password that `file` holds. Throws ConfigurationError naming `setting` and the file when
/// there is none.
std::string read_password(const std::string& setting, const std::string& file);

}  // namespace kinbox::cli

#pragma once

#include <string>
#include <vector>

namespace kinbox::cli {

/// Runs this same program with `arguments` to its end, without KINBOX_* variables, which are meant
/// for another configuration; what it says is appended to `log_file`. Gives its exit code; -1 if a
/// signal ended it. Throws std::system_error.
int run_command(std::vector<std::string> arguments, const std::string& log_file);

}  // namespace kinbox::cli

#pragma once

#include <span>
#include <string>

#include "cli/exit_code.hpp"
#include "cli/invocation.hpp"

namespace kinbox::cli {

/// Parses `arguments` (without the program's name), runs the command, and turns every error into
/// its text on `invocation.io.err` and its exit code. Throws nothing.
ExitCode run_app(std::span<const std::string> arguments, Invocation invocation);

}  // namespace kinbox::cli

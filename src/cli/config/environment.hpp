#pragma once

#include <functional>
#include <map>
#include <string>
#include <string_view>

namespace kinbox::cli {

/// The environment's variables, as they were when the process started; a plain map in tests.
using Environment = std::map<std::string, std::string, std::less<>>;

Environment process_environment();

/// `text` with `${NAME}` and `${NAME:-default}` replaced; `$${` stands for `${`, every other `$`
/// for itself. A variable that is empty counts as not set, as in a shell's `:-`. Throws
/// ConfigurationError naming the variable when it is not set and has no default, or when a brace
/// does not close.
std::string expand(std::string_view text, const Environment& environment);

}  // namespace kinbox::cli

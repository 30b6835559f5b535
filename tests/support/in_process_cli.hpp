#pragma once

#include <sstream>
#include <string>
#include <vector>

#include "cli/app.hpp"

namespace kinbox::testing {

/// What a call of the program left behind.
struct CliResult {
  int exit_code = 0;
  std::string out;
  std::string err;
};

/// Runs one command line inside this process, without the program's name and with no environment
/// but `environment`.
inline CliResult run_cli(const std::vector<std::string>& arguments,
                         std::vector<HandlerSpec> handlers = {},
                         cli::Environment environment = {}) {
  std::ostringstream out;
  std::ostringstream err;
  cli::Invocation invocation{
      {out, err}, std::move(handlers), std::move(environment), "kinbox", {}, {}, {}};
  const auto code = cli::run_app(arguments, std::move(invocation));
  return {static_cast<int>(code), out.str(), err.str()};
}

}  // namespace kinbox::testing

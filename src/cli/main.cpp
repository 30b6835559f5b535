#include "kinbox/cli/main.hpp"

#include <unistd.h>

#include <iostream>
#include <optional>
#include <string>

#include "cli/app.hpp"

namespace kinbox::cli {
namespace {

std::optional<std::string> ask_at_terminal(const std::string& question) {
  std::cerr << question << std::flush;
  std::string line;
  if (!std::getline(std::cin, line)) return std::nullopt;
  return line;
}

}  // namespace

int main(int argc, char** argv, std::vector<HandlerSpec> handlers) {
  const std::vector<std::string> arguments(argv + (argc > 0 ? 1 : 0), argv + argc);
  Invocation invocation{{std::cout, std::cerr},
                        std::move(handlers),
                        process_environment(),
                        argc > 0 ? argv[0] : "kinbox",
                        {},
                        {},
                        {},
                        {}};
  if (::isatty(STDIN_FILENO) != 0 && ::isatty(STDERR_FILENO) != 0) invocation.ask = ask_at_terminal;
  const auto code = run_app(arguments, std::move(invocation));
  if (!std::cout.flush()) {
    std::cerr << "kinbox: the answer could not be written\n";
    return static_cast<int>(ExitCode::kFailed);
  }
  return static_cast<int>(code);
}

}  // namespace kinbox::cli

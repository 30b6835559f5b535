#pragma once

#include <functional>
#include <optional>
#include <ostream>
#include <string>
#include <vector>

#include "cli/config/config.hpp"
#include "cli/config/environment.hpp"
#include "cli/exit_code.hpp"
#include "cli/output/formatter.hpp"
#include "kinbox/handler.hpp"

namespace kinbox::cli {

/// Where a command talks: its answer to `out`, everything else to `err`.
struct Io {
  std::ostream& out;
  std::ostream& err;
};

/// One call of the program: what it was given, and what its line asks for.
struct Invocation {
  Io io;
  std::vector<HandlerSpec> handlers;
  Environment environment;
  /// As it was called, for texts that name a command to type.
  std::string program = "kinbox";

  /// `--config`, else KINBOX_CONFIG, else ./kinbox.yaml.
  std::string config_file;
  OutputFormat output = OutputFormat::kTable;
  /// Set by the command on the line, run when the whole line made sense.
  std::function<ExitCode()> chosen;
  /// Shows a question to the person at the terminal and gives the line they typed; nullopt when
  /// they closed it. Empty where there is no terminal.
  std::function<std::optional<std::string>(const std::string& question)> ask = {};

  /// Throws ConfigurationError.
  Config load() const;
  /// NO_COLOR is set to anything.
  bool no_color() const;
  void answer(const Table& table) const { write(io.out, table, output); }
};

}  // namespace kinbox::cli

#include "cli/app.hpp"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <exception>

#include "cli/commands/commands.hpp"
#include "cli/usage_error.hpp"
#include "kinbox/errors.hpp"
#include "kinbox/observe/printable.hpp"

namespace kinbox::cli {
namespace {

constexpr const char* kFooter = R"(
Examples:
  kinbox demo                          see it work, no server needed
  kinbox config check -c kinbox.yaml   what is wrong with a configuration
  kinbox run -c kinbox.yaml            consume until SIGTERM
  kinbox doctor                        is everything there that it needs?
  kinbox status --check                exit 2 if something is not as it should be

Exit codes: 0 done, 1 failed, 2 something to do or not clean, 3 refused, 64 usage,
69 database or Kafka unreachable, 78 configuration.)";

void declare(CLI::App& app, Invocation& invocation) {
  app.require_subcommand(1);
  app.footer(kFooter);
  add_run(app, invocation);
  add_status(app, invocation);
  add_workers(app, invocation);
  add_dlq(app, invocation);
  add_parked(app, invocation);
  add_inbox(app, invocation);
  add_replay(app, invocation);
  add_audit(app, invocation);
  add_position(app, invocation);
  add_outbox(app, invocation);
  add_mail(app, invocation);
  add_prune(app, invocation);
  add_migrate(app, invocation);
  add_config(app, invocation);
  add_doctor(app, invocation);
  add_demo(app, invocation);
  add_version(app, invocation);
}

/// Help asked for is an answer; a line that makes no sense is not.
ExitCode explain(const CLI::App& app, const CLI::ParseError& error, const Io& io) {
  const bool asked = error.get_exit_code() == static_cast<int>(CLI::ExitCodes::Success);
  app.exit(error, io.out, io.err);
  return asked ? ExitCode::kOk : ExitCode::kUsage;
}

ExitCode say(const Io& io, const std::exception& error, ExitCode code) {
  io.err << "kinbox: " << error.what() << '\n';
  return code;
}

ExitCode run_chosen(const Invocation& invocation) {
  const auto& io = invocation.io;
  try {
    return invocation.chosen();
  } catch (const UsageError& e) {
    return say(io, e, ExitCode::kUsage);
  } catch (const ConfigurationError& e) {
    return say(io, e, ExitCode::kConfiguration);
  } catch (const RefusedError& e) {
    return say(io, e, ExitCode::kRefused);
  } catch (const InfrastructureError& e) {
    return say(io, e, ExitCode::kUnavailable);
  } catch (const std::exception& e) {
    return say(io, e, ExitCode::kFailed);
  } catch (...) {
    io.err << "kinbox: something that is no std::exception was thrown\n";
    return ExitCode::kFailed;
  }
}

}  // namespace

ExitCode run_app(std::span<const std::string> arguments, Invocation invocation) {
  CLI::App app(
      "Kafka consumers whose effects happen once: an event's effect, its inbox row and "
      "the position commit in one transaction.",
      "kinbox");
  declare(app, invocation);
  // CLI11 takes them from the back.
  std::vector<std::string> reversed(arguments.rbegin(), arguments.rend());
  try {
    app.parse(std::move(reversed));
  } catch (const CLI::ParseError& e) {
    return explain(app, e, invocation.io);
  }
  return run_chosen(invocation);
}

}  // namespace kinbox::cli

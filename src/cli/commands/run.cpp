#include <CLI/CLI.hpp>

#include "cli/commands/commands.hpp"
#include "cli/run/consumer_run.hpp"
#include "cli/whole_numbers.hpp"

namespace kinbox::cli {
namespace {

constexpr const char* kFooter = R"(
The database is waited for as long as it takes; a wrong configuration ends the command at once.
SIGINT or SIGTERM: the batch under way is finished or rolled back, the group is left, exit 0.
A second signal, or --drain-timeout over: end at once, exit 1; nothing is lost by that either.

Examples:
  kinbox run -c kinbox.yaml                 consume until SIGTERM
  kinbox run --consumer orders              only this consumer of the file
  kinbox run --until-idle                   consume what is there, then end: exit 2 if a partition
                                            stands halted, 69 if Kafka or the database is away)";

ExitCode run(const Invocation& invocation, const RunOptions& options) {
  const auto config = invocation.load();
  observe::Log log(
      {.format = config.log.format, .level = config.log.level, .no_color = invocation.no_color()});
  Observer nobody;
  return run_consumers(config, invocation.handlers, options, log, nobody);
}

}  // namespace

void add_run(CLI::App& app, Invocation& invocation) {
  auto* command = app.add_subcommand("run", "Consume, until told to stop");
  command->footer(kFooter);
  add_config_option(*command, invocation);
  const auto options = std::make_shared<RunOptions>();
  command->add_option("--consumer", options->consumers, "Only this consumer; may be repeated")
      ->type_name("NAME");
  command->add_flag("--until-idle", options->until_idle,
                    "End when every partition is read to its end");
  command
      ->add_option("--max-messages", options->max_messages,
                   "End after about so many records per worker")
      ->type_name("N")
      ->check(from_one());
  add_duration_option(*command, "--drain-timeout", options->drain_timeout,
                      "From the first signal to the end of the process");
  command->callback([&invocation, options] {
    invocation.chosen = [&invocation, options] { return run(invocation, *options); };
  });
}

}  // namespace kinbox::cli

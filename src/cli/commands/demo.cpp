#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <iostream>

#include "cli/commands/commands.hpp"
#include "cli/config/load.hpp"
#include "cli/config/redact.hpp"
#include "cli/database.hpp"
#include "cli/demo/naive_handler.hpp"
#include "cli/demo/produce.hpp"
#include "cli/demo/script.hpp"
#include "cli/demo/stage.hpp"
#include "cli/demo/step_gate.hpp"
#include "cli/run/consumer_run.hpp"
#include "cli/usage_error.hpp"
#include "cli/whole_numbers.hpp"

namespace kinbox::cli {
namespace {

constexpr const char* kFooter = R"(
Needs no server: the broker is librdkafka's mock cluster inside this process, the database a SQLite
file that is kept. With --brokers or --database the same acts play on real services, under names
nobody used before, which are left behind for you to look at.

Examples:
  kinbox demo
  kinbox demo --brokers localhost:9092 --database postgresql://me@localhost/mydb
  kinbox demo produce --brokers localhost:9092 --count 1000 --duplicates 100)";

void ask_first(const Io& io, const DemoOptions& options, const std::string& run) {
  io.err << "This will create";
  if (!options.brokers.empty())
    io.err << " topics kinbox.demo." << run << ".orders and its dead letters' on "
           << options.brokers;
  if (!options.database.empty())
    io.err << (options.brokers.empty() ? "" : ", and") << " tables in "
           << redacted_uri(options.database)
           << (options.database.starts_with("sqlite:") ? "" : ", schema kinbox_demo_" + run);
  io.err << ".\n";
  if (options.yes) return;
  if (isatty(STDIN_FILENO) == 0) throw UsageError("nobody to ask; say --yes");
  io.err << "Go on? [y/N] " << std::flush;
  std::string answer;
  std::getline(std::cin, answer);
  if (answer != "y" && answer != "Y" && answer != "yes") throw UsageError("not confirmed");
}

void introduce(const Io& io, const DemoStage& stage) {
  io.err << "kinbox demo: every order is confirmed once, whatever happens to the consumer.\n"
            "Its handler is naive: two INSERTs, no unique key, no check. Then five services read\n"
            "the same orders: mail, stock, money, notifications, figures.\n\n"
         << "   Kafka     "
         << (stage.has_mock() ? "librdkafka's mock cluster, inside this process"
                              : stage.config().kafka.settings.at("bootstrap.servers"))
         << "\n   database  " << describe_database(stage.config()) << "\n   consumer  its log is "
         << stage.log_file() << '\n';
}

void say_what_next(const Invocation& invocation, const DemoStage& stage) {
  auto& err = invocation.io.err;
  err << "\nThe database stays. Look at it:\n"
      << "   " << invocation.program << " status" << (stage.has_mock() ? " --no-kafka" : "")
      << " --config " << stage.config_file() << '\n';
  if (const auto* sqlite = std::get_if<SqliteConfig>(&stage.config().database))
    err << "   sqlite3 " << sqlite->path
        << " 'SELECT reason, attempts, error_text FROM dead_letters'\n"
        << "   sqlite3 " << sqlite->path << " 'SELECT * FROM demo_confirmations'\n";
  err << "The shop's mails are in " << stage.mail_folder() << '\n';
  if (stage.has_mock()) return;
  err << "Left behind on Kafka: the topics";
  for (const auto& topic : stage.topics()) err << ' ' << topic;
  err << ", the group " << stage.group() << ", and one of each service\n";
}

ExitCode demo(const Invocation& invocation, const DemoOptions& options) {
  const auto run = random_run();
  if (!options.brokers.empty() || !options.database.empty()) ask_first(invocation.io, options, run);
  DemoStage stage(options, run, invocation.environment);
  introduce(invocation.io, stage);
  stage.set_up(DemoScript::kOrders);
  const OrderEvents events(stage.topic(), run);
  Narrator narrator(invocation.io.err);
  DemoScript script(stage, events, narrator);
  script.play();
  invocation.io.err << "\nRead back by SQL:\n" << std::flush;
  const auto invariants = script.invariants();
  invocation.answer(to_table(invariants));
  invocation.io.out.flush();
  say_what_next(invocation, stage);
  const bool all_hold = std::all_of(invariants.begin(), invariants.end(),
                                    [](const auto& invariant) { return invariant.holds(); });
  if (!all_hold) invocation.io.err << "\nAn invariant does NOT hold.\n";
  return all_hold ? ExitCode::kOk : ExitCode::kFailed;
}

/// The consumer of the demo: `kinbox run`, with an observer that waits for the parent at each step.
ExitCode child(const Invocation& invocation, const RunOptions& options) {
  die_with_parent(kGateFd);
  StepGate gate(kGateFd);
  // Without the environment: KINBOX_* variables are meant for another configuration.
  const auto config = load_config(invocation.config_file, {});
  observe::Log log({.format = config.log.format, .level = config.log.level, .no_color = true});
  return run_consumers(config, demo_handlers(), options, log, gate);
}

ExitCode produce(const Invocation& invocation, const ProduceOptions& options) {
  produce_orders(options);
  invocation.answer({{{"topic"}, {"orders"}, {"duplicates"}, {"poison"}},
                     {{options.topic, std::int64_t{options.count},
                       std::int64_t{std::min(options.duplicates, options.count)},
                       std::int64_t{options.poison}}}});
  return ExitCode::kOk;
}

void add_produce(CLI::App& demo, Invocation& invocation) {
  auto* command = demo.add_subcommand("produce", "Send orders to a broker of yours");
  add_output_option(*command, invocation);
  const auto options = std::make_shared<ProduceOptions>();
  command->add_option("--brokers", options->brokers, "bootstrap.servers")
      ->required()
      ->type_name("HOST:PORT");
  command->add_option("--topic", options->topic, "Topic, which must exist")
      ->capture_default_str()
      ->type_name("NAME");
  command->add_option("--count", options->count, "Orders")
      ->capture_default_str()
      ->check(from_zero());
  command->add_option("--duplicates", options->duplicates, "How many of them come twice")
      ->capture_default_str()
      ->check(from_zero());
  command->add_option("--poison", options->poison, "Records that nobody can decode")
      ->capture_default_str()
      ->check(from_zero());
  command->callback([&invocation, options] {
    invocation.chosen = [&invocation, options] { return produce(invocation, *options); };
  });
}

/// Not for people: no group, so no help names it.
void add_child(CLI::App& demo, Invocation& invocation) {
  auto* command = demo.add_subcommand("child", "")->group("");
  add_config_option(*command, invocation);
  const auto options = std::make_shared<RunOptions>();
  command->add_option("--consumer", options->consumers);
  command->callback([&invocation, options] {
    invocation.chosen = [&invocation, options] { return child(invocation, *options); };
  });
}

}  // namespace

void add_demo(CLI::App& app, Invocation& invocation) {
  auto* command = app.add_subcommand("demo", "See it work: duplicates, SIGKILLs, events that fail");
  command->footer(kFooter);
  command->require_subcommand(0, 1);
  add_output_option(*command, invocation);
  const auto options = std::make_shared<DemoOptions>();
  command->add_option("--brokers", options->brokers, "Play on a real Kafka")
      ->type_name("HOST:PORT");
  command->add_option("--database", options->database, "Play on a real database")
      ->type_name("sqlite:PATH|postgresql://...");
  command->add_option("--dir", options->directory, "Where its files go (default: a new one)")
      ->type_name("DIR");
  command->add_flag("--yes", options->yes, "Do not ask before touching real services");
  add_produce(*command, invocation);
  add_child(*command, invocation);
  command->callback([&invocation, options, command] {
    if (command->get_subcommands().empty())
      invocation.chosen = [&invocation, options] { return demo(invocation, *options); };
  });
}

}  // namespace kinbox::cli

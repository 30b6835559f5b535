#include <CLI/CLI.hpp>

#include "cli/commands/commands.hpp"
#include "cli/config/kafka_settings.hpp"
#include "cli/config/show.hpp"
#include "cli/consumer_spec.hpp"
#include "cli/database.hpp"
#include "cli/output/joined.hpp"
#include "cli/run/mail_sender.hpp"
#include "kinbox/kafka/source.hpp"

namespace kinbox::cli {
namespace {

constexpr const char* kFooter = R"(
Examples:
  kinbox config check -c kinbox.yaml        exit 78 names every problem with its line
  kinbox config show -c kinbox.yaml         what is in force, and where it comes from
  kinbox config show -o json | jq '.[] | select(.source != "default")')";

/// Whether librdkafka takes the settings together; it says so without asking a broker.
void try_settings(const kafka::Settings& settings, const ConsumerConfig& consumer) {
  Observer silent;
  const auto source = kafka::make_source(
      {.settings = settings, .group = consumer.group, .topics = consumer.topics}, silent);
  source->close(std::chrono::steady_clock::now() + std::chrono::seconds{1});
}

/// All that can be refused without a database and a broker.
ExitCode check(const Invocation& invocation) {
  const auto config = invocation.load();
  const auto settings = make_settings(config);
  make_database_factory(config, Missing::kRefuse);
  Table table{{{"consumer"}, {"group"}, {"topics"}, {"handlers"}, {"workers"}}, {}};
  for (const auto& consumer : config.consumers) {
    make_spec(consumer, config, invocation.handlers);
    make_worker_options(consumer, config);
    try_settings(settings, consumer);
    std::vector<std::string> handlers;
    for (const auto& handler : consumer.handlers) handlers.push_back(handler.name);
    table.rows.push_back({consumer.name, consumer.group, joined(consumer.topics), joined(handlers),
                          std::int64_t{consumer.workers}});
  }
  if (config.email) require_usable(*config.email);
  invocation.answer(table);
  for (const auto& note : advice(config, settings)) invocation.io.err << "note: " << note << '\n';
  invocation.io.err << config.file << ": good\n";
  return ExitCode::kOk;
}

ExitCode show(const Invocation& invocation) {
  invocation.answer(show_config(invocation.load()));
  return ExitCode::kOk;
}

void add_subcommand(CLI::App& config, Invocation& invocation, const std::string& name,
                    const std::string& description, ExitCode (*run)(const Invocation&)) {
  auto* command = config.add_subcommand(name, description);
  add_config_option(*command, invocation);
  add_output_option(*command, invocation);
  command->callback(
      [&invocation, run] { invocation.chosen = [&invocation, run] { return run(invocation); }; });
}

}  // namespace

void add_config(CLI::App& app, Invocation& invocation) {
  auto* config = app.add_subcommand("config", "Look at the configuration");
  config->require_subcommand(1);
  config->footer(kFooter);
  add_subcommand(*config, invocation, "check",
                 "Refuse (exit 78) what cannot work; needs neither database nor Kafka", check);
  add_subcommand(*config, invocation, "show",
                 "Show every setting in force and its source, secrets as ***", show);
}

}  // namespace kinbox::cli

#include "cli/commands/row_commands.hpp"
#include "cli/output/row_table.hpp"
#include "cli/status/worker_rows.hpp"

namespace kinbox::cli {
namespace {

constexpr const char* kFooter = R"(
A worker is one thread of a `kinbox run`. It says every few seconds that it is at work; "stale" is one
that did not for longer than that, by the database's clock: it ended without a word, stands still, or
has lost the database. Stale rows go after a day.

Examples:
  kinbox workers
  kinbox workers --check         exit 2 if a consumer of the configuration has no worker at work
  kinbox workers -o json | jq '.[] | select(.state == "stale")')";

/// Consumers of the configuration for which nobody is at work.
std::vector<std::string> unattended(const Config& config, const Rows& rows) {
  std::vector<std::string> names;
  for (const auto& consumer : config.consumers) {
    bool attended = false;
    for (const auto row : rows)
      attended = attended || (row.get<std::string>("consumer") == consumer.name &&
                              row.get<std::string>("state") == "at work");
    if (!attended) names.push_back(consumer.name);
  }
  return names;
}

ExitCode workers(const Invocation& invocation, bool check) {
  const auto config = invocation.load();
  Opened<WorkerRows> workers(config);
  const auto rows = workers.view.all();
  invocation.answer(table_of(rows, {{"consumer"},
                                    {"state"},
                                    {"host"},
                                    {"pid"},
                                    {"version"},
                                    {"partitions"},
                                    {"started_at"},
                                    {"seen_at"},
                                    {"owner", true},
                                    {"seen_until", true}}));
  const auto names = unattended(config, rows);
  for (const auto& name : names)
    invocation.io.err << "no worker is at work for consumer " << name << "; start `kinbox run`\n";
  return check && !names.empty() ? ExitCode::kNotClean : ExitCode::kOk;
}

}  // namespace

void add_workers(CLI::App& app, Invocation& invocation) {
  auto& command =
      add_row_command(app, invocation, "workers", "Who consumes: host, process, partitions");
  command.footer(kFooter);
  const auto check = std::make_shared<bool>(false);
  command.add_flag("--check", *check,
                   "Exit 2 if a consumer of the configuration has no worker at work");
  command.callback([&invocation, check] {
    invocation.chosen = [&invocation, check] { return workers(invocation, *check); };
  });
}

}  // namespace kinbox::cli

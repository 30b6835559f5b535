#include <CLI/CLI.hpp>
#include <algorithm>

#include "cli/commands/commands.hpp"
#include "cli/config/kafka_settings.hpp"
#include "cli/database.hpp"
#include "cli/status/log_ends.hpp"
#include "cli/status/progress_report.hpp"
#include "kinbox/migrations.hpp"

namespace kinbox::cli {
namespace {

constexpr const char* kFooter = R"(
Examples:
  kinbox status                    one line per partition
  kinbox status --check            exit 2 if a partition stands or dead letters are open
  kinbox status -o json | jq '[.[].lag] | add'

POSITION is the database's: what Kafka believes is a hint for lag tools. A partition that is
"running" has an owner, or had one that died without a word: see UPDATED AT.)";

struct Options {
  bool check = false;
  bool no_kafka = false;
  std::chrono::milliseconds kafka_timeout{2'000};
};

std::vector<Column> columns() {
  return {{"consumer"},
          {"topic"},
          {"partition"},
          {"state"},
          {"position"},
          {"end"},
          {"lag"},
          {"applied"},
          {"duplicates"},
          {"dead"},
          {"skipped"},
          {"parked", true},
          {"gaps", true},
          {"first_offset", true},
          {"open_dead_letters"},
          {"outbox_pending"},
          {"outbox_last_error", true},
          {"state_reason", true},
          {"epoch", true},
          {"owner", true},
          {"owner_session", true},
          {"updated_at"}};
}

std::vector<Cell> row_of(const PartitionReport& report, const LogEnds& logs) {
  const auto end = logs.ends.find(report.partition);
  const bool known = end != logs.ends.end();
  const auto& tally = report.tally;
  return {report.consumer,
          report.partition.topic,
          std::int64_t{report.partition.partition},
          report.state(),
          report.next_offset,
          known ? Cell{end->second} : Cell{},
          known ? Cell{end->second - report.next_offset} : Cell{},
          tally.applied,
          tally.duplicates,
          tally.dead,
          tally.skipped,
          tally.parked,
          tally.gaps,
          report.first_offset,
          report.open_dead_letters,
          report.outbox_pending,
          report.outbox_last_error,
          report.state_reason,
          report.epoch,
          report.owner,
          report.owner_session,
          report.updated_at};
}

/// What a person should read that does not fit a row. On stderr: it is in the rows too.
void explain(const Io& io, const PartitionReport& report) {
  const auto where = report.consumer + " " + report.partition.topic + '/' +
                     std::to_string(report.partition.partition);
  if (report.stored_state == "breaker_open")
    io.err << where << " waits at " << report.next_offset
           << ": too many events fail (dlq_budget), last " << report.state_reason
           << "; it goes on by itself when its first event can be applied\n";
  else if (report.stands())
    io.err << where << " stands at " << report.next_offset << ": " << report.state_reason
           << "; remove the cause and start the consumer again\n";
  if (!report.outbox_last_error.empty())
    io.err << where << ": " << report.outbox_pending
           << " dead letters wait for their topic: " << report.outbox_last_error << '\n';
}

/// Consumers that the configuration names and the database has never seen.
void mention_unseen(const Io& io, const Config& config,
                    const std::vector<PartitionReport>& reports) {
  for (const auto& consumer : config.consumers)
    if (std::none_of(reports.begin(), reports.end(),
                     [&](const auto& report) { return report.consumer == consumer.name; }))
      io.err << "consumer " << consumer.name << " has no position yet: it never had a partition\n";
}

LogEnds log_ends(const Invocation& invocation, const Config& config, const Options& options,
                 const std::vector<PartitionReport>& reports) {
  if (options.no_kafka) return {};
  std::vector<TopicPartition> partitions;
  for (const auto& report : reports) partitions.push_back(report.partition);
  std::sort(partitions.begin(), partitions.end());
  partitions.erase(std::unique(partitions.begin(), partitions.end()), partitions.end());
  auto ends = ask_log_ends(make_settings(config), partitions, options.kafka_timeout);
  if (!ends.missing.empty())
    invocation.io.err << "end and lag are not known for every partition: " << ends.missing << '\n';
  return ends;
}

ExitCode status(const Invocation& invocation, const Options& options) {
  const auto config = invocation.load();
  const auto database = make_database_factory(config, Missing::kRefuse)();
  SchemaMigrator(*database, {kinbox_component()}).require_current();
  const auto reports = read_progress(*database);
  const auto ends = log_ends(invocation, config, options, reports);
  Table table{columns(), {}};
  for (const auto& report : reports) table.rows.push_back(row_of(report, ends));
  invocation.answer(table);
  mention_unseen(invocation.io, config, reports);
  bool clean = true;
  for (const auto& report : reports) {
    explain(invocation.io, report);
    clean = clean && !report.stands() && report.open_dead_letters == 0;
  }
  return options.check && !clean ? ExitCode::kNotClean : ExitCode::kOk;
}

}  // namespace

void add_status(CLI::App& app, Invocation& invocation) {
  auto* command = app.add_subcommand(
      "status", "Where every consumer stands: position, lag, counters, halts, dead letters");
  command->footer(kFooter);
  add_config_option(*command, invocation);
  add_output_option(*command, invocation);
  const auto options = std::make_shared<Options>();
  command->add_flag("--check", options->check,
                    "Exit 2 when a partition stands or a dead letter is open");
  command->add_flag("--no-kafka", options->no_kafka, "Do not ask Kafka for ends and lag");
  add_duration_option(*command, "--kafka-timeout", options->kafka_timeout,
                      "How long to wait for Kafka's answer");
  command->callback([&invocation, options] {
    invocation.chosen = [&invocation, options] { return status(invocation, *options); };
  });
}

}  // namespace kinbox::cli

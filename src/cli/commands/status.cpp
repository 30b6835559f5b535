#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <iostream>
#include <memory>
#include <set>
#include <thread>

#include "cli/commands/commands.hpp"
#include "cli/config/kafka_settings.hpp"
#include "cli/config/units.hpp"
#include "cli/database.hpp"
#include "cli/status/limits.hpp"
#include "cli/status/rates.hpp"
#include "cli/usage_error.hpp"
#include "cli/whole_numbers.hpp"
#include "core/coordinates_text.hpp"
#include "kinbox/errors.hpp"
#include "kinbox/migrations.hpp"
#include "kinbox/observe/printable.hpp"

namespace kinbox::cli {
namespace {

using std::chrono::milliseconds;

constexpr const char* kFooter = R"(
POSITION is the database's: what Kafka believes is a hint for lag tools. LAG SECONDS is how old the
next record is. RATE, in records per second, is known from the second look on (--watch).

A partition is "running"; "retrying" an event in place; "held" by a replay; "breaker_open", because too
many events fail; "halted" until a person acts; "stopped", as its owner left in order; or "lost", as its
owner is not seen any more. stderr says which event, why, since when, and what to do. PARKED events
wait beside a partition that runs.

--check exits 2, and says on stderr why, if a partition stands, its owner is lost, more than --max-dead
dead letters of it are open (0 unless given), or another limit is exceeded, or cannot be looked at.

Examples:
  kinbox status                    one line per partition
  kinbox status --watch 2s         again and again; on a terminal in place
  kinbox status --check --max-lag 10000 --max-lag-seconds 300 --max-parked 100
  kinbox status -o json | jq '[.[].lag] | add')";

struct Options {
  bool check = false;
  bool no_kafka = false;
  milliseconds kafka_timeout{2'000};
  std::optional<milliseconds> watch;
  std::int64_t looks = 0;
  Limits limits;
};

std::vector<Column> columns() {
  return {{"consumer"},
          {"topic"},
          {"partition"},
          {"state"},
          {"position"},
          {"end"},
          {"lag"},
          {"lag_seconds"},
          {"rate"},
          {"applied"},
          {"duplicates"},
          {"dead"},
          {"skipped"},
          {"parked"},
          {"gaps", true},
          {"first_offset", true},
          {"open_dead_letters"},
          {"outbox_pending"},
          {"outbox_last_error", true},
          {"state_reason", true},
          {"held_by", true},
          {"retry_offset", true},
          {"retry_attempts", true},
          {"retry_since", true},
          {"retry_seconds", true},
          {"retry_due_at", true},
          {"retry_error", true},
          {"epoch", true},
          {"owner", true},
          {"owner_session", true},
          {"updated_at"}};
}

/// Whether a person sees at once what is written to `out`.
bool is_terminal(const std::ostream& out) {
  return &out == &std::cout && ::isatty(STDOUT_FILENO) != 0;
}

template <typename T>
Cell known(const std::optional<T>& value) {
  return value ? Cell{*value} : Cell{};
}

std::string error_of(const ReportedRetry& retry) {
  return retry.error_type + ": " + retry.error_text;
}

/// Six cells: retry_offset and so on.
std::vector<Cell> retry_cells(const PartitionReport& report) {
  if (report.state() != "retrying") return std::vector<Cell>(6);
  const auto& retry = *report.retry;
  return {retry.offset, retry.attempts, retry.since, retry.seconds, retry.due_at, error_of(retry)};
}

std::vector<Cell> row_of(const PartitionReport& report, const StatusLook& look,
                         std::optional<double> rate) {
  const auto end = look.logs.ends.find(report.partition);
  const auto& tally = report.tally;
  std::vector<Cell> row{report.consumer,
                        report.partition.topic,
                        std::int64_t{report.partition.partition},
                        report.state(),
                        report.next_offset,
                        end == look.logs.ends.end() ? Cell{} : Cell{end->second},
                        known(look.lag(report)),
                        known(look.lag_seconds(report)),
                        known(rate),
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
                        known(report.held_by)};
  for (auto& cell : retry_cells(report)) row.push_back(std::move(cell));
  row.insert(row.end(), {report.epoch, report.owner, report.owner_session, report.updated_at});
  return row;
}

/// What a person should read that does not fit a row. On stderr: it is in the rows too.
void explain(const Io& io, const PartitionReport& report) {
  const auto where = report.consumer + " " + partition_text(report.partition);
  if (report.stored_state == "breaker_open")
    io.err << where << " waits at " << report.next_offset
           << ": too many events fail (dlq_budget), last " << report.state_reason
           << "; it goes on by itself when its first event can be applied\n";
  else if (report.stands())
    io.err
        << where << " stands at " << report.next_offset << ": " << report.state_reason
        << "; remove the cause, then kinbox position release, or accept-gap: see kinbox position "
           "show\n";
  else if (report.held_by)
    io.err << where << " waits at " << report.next_offset << " for replay " << *report.held_by
           << "; see kinbox replay list\n";
  else if (report.state() == "retrying")
    io.err << where << " tries offset " << report.retry->offset << " again in place since "
           << report.retry->since << ": " << report.retry->attempts << " attempts of handler "
           << report.retry->handler << " failed, last "
           << observe::printable(error_of(*report.retry)) << "; the next is due at "
           << report.retry->due_at << '\n';
  if (!report.outbox_last_error.empty())
    io.err << where << ": " << report.outbox_pending
           << " dead letters wait for their topic: " << report.outbox_last_error << '\n';
}

void explain(const Io& io, const Backlog& backlog) {
  if (backlog.outbox_pending > 0)
    io.err << "outbox: " << backlog.outbox_pending << " rows wait for Kafka, the oldest since "
           << backlog.outbox_oldest.value_or("?") << "; see kinbox outbox status\n";
  if (backlog.outbox_refused > 0)
    io.err << "outbox: " << backlog.outbox_refused
           << " rows were refused; see kinbox outbox list --state refused\n";
  if (backlog.mails_waiting > 0)
    io.err << "mail: " << backlog.mails_waiting << " mails wait"
           << (backlog.mails_oldest ? ", the oldest since " + *backlog.mails_oldest : "")
           << "; see kinbox mail status\n";
}

/// Consumers that the configuration names and the database has never seen.
void mention_unseen(const Io& io, const Config& config,
                    const std::vector<PartitionReport>& reports) {
  for (const auto& consumer : config.consumers)
    if (std::none_of(reports.begin(), reports.end(),
                     [&](const auto& report) { return report.consumer == consumer.name; }))
      io.err << "consumer " << consumer.name << " has no position yet: it never had a partition\n";
}

/// One call of the command: one look, or many.
class Status {
 public:
  Status(const Invocation& invocation, const Options& options)
      : invocation_(invocation),
        options_(options),
        config_(invocation.load()),
        database_(make_database_factory(config_, Missing::kRefuse)()) {
    SchemaMigrator(*database_, {kinbox_component()}).require_current();
    if (!options.no_kafka)
      logs_ = std::make_unique<LogView>(make_settings(config_), options.kafka_timeout);
  }

  ExitCode run() {
    for (std::int64_t looks = 1;; ++looks) {
      const auto code = show(look());
      if (!options_.watch || looks == options_.looks) return code;
      invocation_.io.out.flush();
      std::this_thread::sleep_for(*options_.watch);
      begin_again();
    }
  }

 private:
  StatusLook look() {
    StatusLook look;
    look.partitions = read_progress(*database_);
    look.backlog = read_backlog(*database_);
    std::set<ReadingPlace> places;
    for (const auto& report : look.partitions) places.emplace(report.partition, report.next_offset);
    if (logs_ && !places.empty()) look.logs = logs_->look(places);
    look.at = std::chrono::time_point_cast<Timestamp::duration>(std::chrono::system_clock::now());
    return look;
  }

  ExitCode show(const StatusLook& look) {
    const auto& io = invocation_.io;
    const auto rates = rates_.look(look.partitions, Rates::Clock::now());
    Table table{columns(), {}};
    for (const auto& report : look.partitions) {
      const auto rate = rates.find({report.consumer, report.partition});
      table.rows.push_back(
          row_of(report, look, rate == rates.end() ? std::nullopt : std::optional(rate->second)));
    }
    invocation_.answer(table);
    mention_unseen(io, config_, look.partitions);
    if (!look.logs.missing.empty())
      io.err << "end and lag are not known for every partition: " << look.logs.missing << '\n';
    for (const auto& report : look.partitions) explain(io, report);
    explain(io, look.backlog);
    if (!options_.check) return ExitCode::kOk;
    const auto found = not_clean(look, options_.limits);
    for (const auto& line : found) io.err << "check: " << line << '\n';
    return found.empty() ? ExitCode::kOk : ExitCode::kNotClean;
  }

  /// On a terminal the next look takes the place of the last; elsewhere it follows it.
  void begin_again() const {
    if (is_terminal(invocation_.io.out))
      invocation_.io.out << "\x1B[H\x1B[2J";
    else if (invocation_.output == OutputFormat::kTable)
      invocation_.io.out << '\n';
  }

  const Invocation& invocation_;
  const Options& options_;
  Config config_;
  std::unique_ptr<Database> database_;
  std::unique_ptr<LogView> logs_;
  Rates rates_;
};

void add_limit(CLI::App& command, const std::string& name, std::optional<std::int64_t>& target,
               const std::string& what) {
  command.add_option(name, target, "With --check: " + what)
      ->type_name("N")
      ->check(from_zero())
      ->needs(command.get_option("--check"));
}

void add_limits(CLI::App& command, Limits& limits) {
  add_limit(command, "--max-lag", limits.lag, "so many offsets behind, per partition");
  add_limit(command, "--max-lag-seconds", limits.lag_seconds,
            "the next record may be so old, per partition");
  add_limit(command, "--max-retry-seconds", limits.retry_seconds,
            "an event may be tried again in place for so long, per partition");
  command
      .add_option("--max-dead", limits.dead,
                  "With --check: so many open dead letters, per partition (default: 0)")
      ->type_name("N")
      ->check(from_zero())
      ->needs(command.get_option("--check"));
  add_limit(command, "--max-parked", limits.parked, "so many events that wait, per partition");
  add_limit(command, "--max-outbox", limits.outbox, "so many rows that wait for Kafka");
  add_limit(command, "--max-mails", limits.mails, "so many mails that wait");
}

void add_watch(CLI::App& command, Options& options) {
  command
      .add_option_function<std::string>(
          "--watch",
          [&options](const std::string& text) {
            try {
              options.watch = parse_duration(text);
            } catch (const ConfigurationError& e) {
              throw CLI::ValidationError("--watch", e.what());
            }
          },
          "Look again and again, with so much time between, until interrupted")
      ->type_name("TIME");
  command.add_option("--looks", options.looks, "With --watch: end after so many looks")
      ->type_name("N")
      ->check(from_one())
      ->needs(command.get_option("--watch"));
}

}  // namespace

void add_status(CLI::App& app, Invocation& invocation) {
  auto* command = app.add_subcommand(
      "status", "Where every consumer stands: position, lag, rate, halts, dead letters, backlog");
  command->footer(kFooter);
  add_config_option(*command, invocation);
  add_output_option(*command, invocation);
  const auto options = std::make_shared<Options>();
  command->add_flag("--check", options->check,
                    "Exit 2 when something is not as it should be, and say what");
  add_limits(*command, options->limits);
  add_watch(*command, *options);
  command->add_flag("--no-kafka", options->no_kafka, "Do not ask Kafka for ends and lag");
  add_duration_option(*command, "--kafka-timeout", options->kafka_timeout,
                      "How long to wait for Kafka's answer");
  command->callback([&invocation, options] {
    invocation.chosen = [&invocation, options] { return Status(invocation, *options).run(); };
  });
}

}  // namespace kinbox::cli

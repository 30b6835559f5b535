#include <algorithm>
#include <set>

#include "cli/commands/position_commands.hpp"
#include "cli/commands/row_commands.hpp"
#include "cli/config/find_consumer.hpp"
#include "cli/config/kafka_settings.hpp"
#include "cli/position/kafka_facts.hpp"
#include "cli/position/offset_csv.hpp"
#include "cli/position/position_desk.hpp"
#include "cli/position/topic_choice.hpp"
#include "kinbox/observe/printable.hpp"

namespace kinbox::cli {
namespace {

constexpr const char* kFooter = R"(
POSITION is the database's, which is where a consumer goes on, whatever Kafka says. COMMITTED is what
the group's coordinator was told last: a hint for lag tools. "-" is what is not known, or not there.

Examples:
  kinbox position show --consumer orders
  kinbox position set --consumer orders --to-datetime 2026-01-31T12:00:00Z --dry-run
  kinbox position export --consumer orders > orders.csv
  kinbox position accept-gap --consumer orders     go on behind records that are gone
  kinbox position release --consumer orders        halted partitions are tried again)";

constexpr const char* kExportFooter = R"(
The lines are those of kafka-consumer-groups.sh --export, and what its --from-file and kinbox position
import read: topic,partition,offset for one consumer, and in front of it the group for several.)";

struct Options {
  std::string consumer;
  std::vector<std::string> topics;
  bool no_kafka = false;
  std::chrono::milliseconds kafka_timeout{5'000};
};

std::vector<Column> columns() {
  return {{"consumer"},
          {"group", true},
          {"topic"},
          {"partition"},
          {"state"},
          {"position"},
          {"committed"},
          {"log_start"},
          {"log_end"},
          {"lag"},
          {"first_offset", true},
          {"known_from", true},
          {"epoch"},
          {"owner"},
          {"owner_at", true},
          {"topic_id", true},
          {"state_reason", true}};
}

std::string state_of(const StoredPosition& position) {
  if (position.state != "running") return position.state;
  if (position.held) return "held";
  return position.clean_stop ? "stopped" : "running";
}

std::vector<Cell> row_of(const StoredPosition& position, const KafkaFacts& facts) {
  Cell committed;
  if (const auto group = facts.committed.find(position.group); group != facts.committed.end())
    if (const auto offset = group->second.find(position.partition); offset != group->second.end())
      committed = offset->second.offset;
  const auto log = facts.logs.find(position.partition);
  const bool known = log != facts.logs.end();
  return {position.consumer,
          position.group,
          position.partition.topic,
          std::int64_t{position.partition.partition},
          state_of(position),
          position.next_offset,
          committed,
          known ? Cell{log->second.start} : Cell{},
          known ? Cell{log->second.end} : Cell{},
          known ? Cell{log->second.end - position.next_offset} : Cell{},
          position.first_offset,
          position.known_from(),
          position.epoch,
          position.owner,
          position.owner_at,
          position.topic_id,
          position.reason};
}

std::vector<StoredPosition> chosen_positions(const Invocation& invocation, const Config& config,
                                             const Options& options) {
  const auto database = make_database_factory(config, Missing::kRefuse)();
  SchemaMigrator(*database, {kinbox_component()}).require_current();
  auto positions = stored_positions(*database, options.consumer);
  std::vector<TopicChoice> choices;
  for (const auto& word : options.topics) choices.push_back(topic_choice(word));
  std::erase_if(positions,
                [&](const auto& position) { return !chosen(choices, position.partition); });
  if (positions.empty())
    invocation.io.err
        << "there is no such position: a consumer has none before it is first given a "
           "partition\n";
  return positions;
}

ExitCode show(const Invocation& invocation, const Options& options) {
  const auto config = invocation.load();
  const auto positions = chosen_positions(invocation, config, options);
  const auto facts = options.no_kafka
                         ? KafkaFacts{}
                         : ask_kafka(make_settings(config), positions, options.kafka_timeout);
  Table table{columns(), {}};
  for (const auto& position : positions) table.rows.push_back(row_of(position, facts));
  invocation.answer(table);
  for (const auto& why : facts.missing)
    invocation.io.err << "not known from Kafka: " << observe::printable(why) << '\n';
  for (const auto& position : positions)
    if (!position.reason.empty())
      invocation.io.err << position.consumer << ' ' << position.partition.topic << '/'
                        << position.partition.partition << " stands at " << position.next_offset
                        << ": " << observe::printable(position.reason) << '\n';
  return ExitCode::kOk;
}

ExitCode export_positions(const Invocation& invocation, const Options& options) {
  const auto config = invocation.load();
  const auto positions = chosen_positions(invocation, config, options);
  std::set<std::string> consumers;
  for (const auto& position : positions) consumers.insert(position.consumer);
  std::vector<OffsetLine> lines;
  for (const auto& position : positions)
    lines.push_back({consumers.size() > 1 ? std::optional(position.group) : std::nullopt,
                     position.partition, position.next_offset});
  write_offset_csv(invocation.io.out, lines);
  return positions.empty() ? ExitCode::kFailed : ExitCode::kOk;
}

void add_choice(CLI::App& command, Options& options) {
  command.add_option("--consumer", options.consumer, "Only this consumer")->type_name("NAME");
  add_topic_choice(command, options.topics);
}

}  // namespace

void add_position_show(CLI::App& position, Invocation& invocation) {
  auto& command =
      add_row_command(position, invocation, "show",
                      "Where consumers are: the database's position, Kafka's, and what is between");
  command.footer(kFooter);
  const auto options = std::make_shared<Options>();
  add_choice(command, *options);
  command.add_flag("--no-kafka", options->no_kafka, "Show what the database knows, and only that");
  add_duration_option(command, "--kafka-timeout", options->kafka_timeout,
                      "How long to wait for each of Kafka's answers");
  command.callback([&invocation, options] {
    invocation.chosen = [&invocation, options] { return show(invocation, *options); };
  });
}

void add_position_export(CLI::App& position, Invocation& invocation) {
  auto* command =
      position.add_subcommand("export", "Write positions as kafka-consumer-groups.sh does, as CSV");
  add_config_option(*command, invocation);
  command->footer(kExportFooter);
  const auto options = std::make_shared<Options>();
  add_choice(*command, *options);
  command->callback([&invocation, options] {
    invocation.chosen = [&invocation, options] { return export_positions(invocation, *options); };
  });
}

void add_position(CLI::App& app, Invocation& invocation) {
  auto* position = app.add_subcommand(
      "position", "Where consumers are in their logs: look, set, go on behind what halts them");
  position->require_subcommand(1);
  position->footer(kFooter);
  add_position_show(*position, invocation);
  add_position_set(*position, invocation);
  add_position_export(*position, invocation);
  add_position_import(*position, invocation);
  add_position_accept_gap(*position, invocation);
  add_position_release(*position, invocation);
}

}  // namespace kinbox::cli

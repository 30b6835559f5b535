#include <algorithm>
#include <chrono>
#include <map>

#include "cli/commands/act_options.hpp"
#include "cli/commands/position_commands.hpp"
#include "cli/commands/row_commands.hpp"
#include "cli/config/find_consumer.hpp"
#include "cli/config/kafka_settings.hpp"
#include "cli/confirm.hpp"
#include "cli/position/acceptance.hpp"
#include "cli/position/position_desk.hpp"
#include "cli/position/topic_choice.hpp"
#include "cli/usage_error.hpp"
#include "core/coordinates_text.hpp"
#include "kinbox/kafka/log_reader.hpp"

namespace kinbox::cli {
namespace {

constexpr const char* kAcceptFooter = R"(
For partitions that halted because their log does not hold their position any more. Records that are
gone count as gaps. A topic that was deleted and created anew begins at its start; one that lost its end
goes on there. Where kinbox cannot tell which of the two it is (librdkafka before 2.3), say it.
A worker that has the partition goes on within a second.

Examples:
  kinbox position accept-gap --consumer orders --dry-run
  kinbox position accept-gap --consumer orders --topic orders.created:0
  kinbox position accept-gap --topic orders.created:0 --until-offset 4711   give up what cannot be read)";

constexpr const char* kReleaseFooter = R"(
A halted partition is tried again from where it is; a worker that has it does so within a second, and
halts again if the cause is still there. Nothing is passed over.

Examples:
  kinbox position release --consumer orders
  kinbox position release --consumer orders --topic orders.created:0,1)";

struct Options {
  std::string consumer;
  std::vector<std::string> topics;
  AcceptWords words;
  std::chrono::milliseconds kafka_timeout{15'000};
  ActOptions act;
};

std::vector<StoredPosition> chosen_positions(Database& database, const ConsumerConfig& consumer,
                                             const Options& options) {
  std::vector<TopicChoice> choices;
  for (const auto& word : options.topics) choices.push_back(topic_choice(word));
  auto positions = stored_positions(database, consumer.name);
  std::erase_if(positions,
                [&](const auto& position) { return !chosen(choices, position.partition); });
  return positions;
}

std::unique_ptr<Database> open(const Config& config) {
  auto database = make_database_factory(config, Missing::kRefuse)();
  SchemaMigrator(*database, {kinbox_component()}).require_current();
  return database;
}

/// Whether the topic's records are known by their offsets alone, which begin anew.
bool known_by_offsets(const ConsumerConfig& consumer, const std::string& topic) {
  const auto rules = consumer.identity.find(topic);
  return rules != consumer.identity.end() &&
         std::any_of(rules->second.id.begin(), rules->second.id.end(),
                     [](const auto& from) { return from.kind == IdFrom::Kind::kCoordinates; });
}

std::vector<Acceptance> plan(const Config& config, std::vector<StoredPosition> positions,
                             const Options& options) {
  if (options.words.until) {
    if (positions.size() != 1)
      throw UsageError("--until-offset: say which partition, --topic orders.created:0");
  } else {
    std::erase_if(positions, [](const auto& position) { return !lacks_records(position); });
  }
  std::vector<Acceptance> acceptances;
  if (positions.empty()) return acceptances;
  kafka::LogReader reader(make_settings(config), options.kafka_timeout);
  for (const auto& position : positions) {
    const auto log = reader.ranges({&position.partition, 1}).at(position.partition);
    acceptances.push_back(
        accepted(position, log, reader.topic_id(position.partition.topic), options.words));
  }
  return acceptances;
}

void answer(const Invocation& invocation, const std::vector<Acceptance>& acceptances) {
  Table table{{{"topic"}, {"partition"}, {"position"}, {"new_position"}, {"meaning"}}, {}};
  for (const auto& [way, move, meaning] : acceptances)
    table.rows.push_back({move.partition.topic, std::int64_t{move.partition.partition},
                          move.from ? Cell{*move.from} : Cell{}, move.to, meaning});
  invocation.answer(table);
}

/// Each kind in a transaction of its own.
std::int64_t carry_out(PositionDesk& desk, const ConsumerConfig& consumer,
                       const std::vector<Acceptance>& acceptances, const Audit::Action& action) {
  std::map<std::pair<Acceptance::Way, bool>, std::vector<Move>> kinds;
  for (const auto& [way, move, meaning] : acceptances)
    kinds[{way, known_by_offsets(consumer, move.partition.topic)}].push_back(move);
  std::int64_t id = 0;
  for (const auto& [kind, moves] : kinds) {
    auto audited = action;
    audited.filter = described(moves);
    id = kind.first == Acceptance::Way::kPassOver
             ? desk.pass_over(moves, audited)
             : desk.begin_anew(moves,
                               {.new_topic = kind.first == Acceptance::Way::kNewTopic,
                                .forget_inbox = kind.second},
                               audited);
  }
  return id;
}

/// Whether to go on, after what is planned was shown.
bool wanted(const Invocation& invocation, const ActOptions& act, const std::string& question) {
  if (!act.dry_run) return agreed(invocation, question, act.yes);
  invocation.io.err << "this was a dry run: nothing was changed\n";
  return false;
}

ExitCode not_done(const ActOptions& act) { return act.dry_run ? ExitCode::kOk : ExitCode::kFailed; }

ExitCode accept_gap(const Invocation& invocation, const Options& options) {
  const auto config = invocation.load();
  const auto& consumer = find_consumer(config, options.consumer);
  const auto database = open(config);
  const auto acceptances = plan(config, chosen_positions(*database, consumer, options), options);
  answer(invocation, acceptances);
  if (acceptances.empty()) {
    invocation.io.err << "none of these partitions is halted for want of its records; see kinbox "
                         "position show\n";
    return ExitCode::kFailed;
  }
  const auto count = counted(static_cast<std::int64_t>(acceptances.size()), "partition");
  if (!wanted(invocation, options.act,
              "About to have " + count + " of " + consumer.name + " go on there. Go on?"))
    return not_done(options.act);
  PositionDesk desk(*database, consumer.name);
  const auto id = carry_out(desk, consumer, acceptances,
                            audited(invocation, options.act, "position accept-gap", ""));
  invocation.io.err << count << " of " << consumer.name << " may go on, row " << id
                    << " of kinbox audit\n";
  return ExitCode::kOk;
}

ExitCode release(const Invocation& invocation, const Options& options) {
  const auto config = invocation.load();
  const auto& consumer = find_consumer(config, options.consumer);
  const auto database = open(config);
  auto positions = chosen_positions(*database, consumer, options);
  std::erase_if(positions, [](const auto& position) { return !position.is_halted(); });
  Table table{{{"topic"}, {"partition"}, {"position"}, {"state_reason"}}, {}};
  std::vector<TopicPartition> partitions;
  std::string names;
  for (const auto& position : positions) {
    table.rows.push_back({position.partition.topic, std::int64_t{position.partition.partition},
                          position.next_offset, position.reason});
    partitions.push_back(position.partition);
    names += (names.empty() ? "" : "; ") + partition_text(position.partition) + " at " +
             std::to_string(position.next_offset);
  }
  invocation.answer(table);
  if (positions.empty()) {
    invocation.io.err << "none of these partitions is halted; see kinbox position show\n";
    return ExitCode::kFailed;
  }
  const auto count = counted(static_cast<std::int64_t>(positions.size()), "halted partition");
  if (!wanted(invocation, options.act,
              "About to have " + count + " of " + consumer.name + " tried again. Go on?"))
    return not_done(options.act);
  const auto id =
      PositionDesk(*database, consumer.name)
          .release(partitions, audited(invocation, options.act, "position release", names));
  invocation.io.err << count << " of " << consumer.name << " released, row " << id
                    << " of kinbox audit\n";
  return ExitCode::kOk;
}

void add_choice(CLI::App& command, Options& options) {
  command.add_option("--consumer", options.consumer, "Whose partitions (default: the only one's)")
      ->type_name("NAME");
  add_topic_choice(command, options.topics);
  command.add_flag("--yes", options.act.yes, "Do not ask");
  command.add_flag("--dry-run", options.act.dry_run, "Show what would be done, and do nothing");
  add_audit_options(command, options.act);
}

}  // namespace

void add_position_accept_gap(CLI::App& position, Invocation& invocation) {
  auto& command =
      add_row_command(position, invocation, "accept-gap",
                      "Have halted partitions go on behind records that are not to be had");
  command.footer(kAcceptFooter);
  const auto options = std::make_shared<Options>();
  add_choice(command, *options);
  command.add_flag("--new-topic", options->words.new_topic,
                   "The topic was deleted and created anew: begin at its start");
  command.add_flag("--same-topic", options->words.same_topic,
                   "The topic lost its end: go on at what is its end now");
  add_duration_option(command, "--kafka-timeout", options->kafka_timeout,
                      "How long to wait for each of Kafka's answers");
  command
      .add_option("--until-offset", options->words.until,
                  "Records up to this offset cannot be read: give them up")
      ->type_name("N");
  command.callback([&invocation, options] {
    invocation.chosen = [&invocation, options] { return accept_gap(invocation, *options); };
  });
}

void add_position_release(CLI::App& position, Invocation& invocation) {
  auto& command = add_row_command(position, invocation, "release",
                                  "Have halted partitions tried again from where they are");
  command.footer(kReleaseFooter);
  const auto options = std::make_shared<Options>();
  add_choice(command, *options);
  command.callback([&invocation, options] {
    invocation.chosen = [&invocation, options] { return release(invocation, *options); };
  });
}

}  // namespace kinbox::cli

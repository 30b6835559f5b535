#include <algorithm>
#include <chrono>

#include "cli/commands/act_options.hpp"
#include "cli/commands/position_commands.hpp"
#include "cli/commands/row_commands.hpp"
#include "cli/config/find_consumer.hpp"
#include "cli/config/kafka_settings.hpp"
#include "cli/confirm.hpp"
#include "cli/output/joined.hpp"
#include "cli/position/move_plan.hpp"
#include "cli/position/offset_csv.hpp"
#include "cli/position/offset_words.hpp"
#include "cli/position/position_desk.hpp"
#include "cli/position/topic_choice.hpp"
#include "cli/usage_error.hpp"
#include "core/coordinates_text.hpp"
#include "kinbox/kafka/admin.hpp"
#include "kinbox/kafka/groups.hpp"
#include "kinbox/observe/printable.hpp"

namespace kinbox::cli {
namespace {

constexpr const char* kSetFooter = R"(
The consumer must not be at work: stop its workers first. Records that come again are duplicates where
they were decided, whatever that was. Of records before KNOWN_FROM (position show) nobody knows: they
come as new ones, which --treat-as-new agrees to. Offsets outside of a log become its start or end. Kafka is
told afterwards.

Examples:
  kinbox position set --consumer orders --to-datetime 2026-01-31T12:00:00Z --dry-run
  kinbox position set --consumer orders --topic orders.created:0,1 --shift-by -100
  kinbox position set --consumer orders --to-committed     adopt what kafka-consumer-groups.sh reset)";

constexpr const char* kImportFooter = R"(
The lines are those of kafka-consumer-groups.sh --export and kinbox position export: topic,partition,offset,
or group,topic,partition,offset; groups that no consumer of the configuration has are passed over.
Otherwise as kinbox position set --from-file.)";

struct Options {
  std::string consumer;
  std::vector<std::string> topics;
  OffsetWords words;
  std::string file;
  bool treat_as_new = false;
  std::chrono::milliseconds kafka_timeout{15'000};
  ActOptions act;
};

/// Where positions are changed: the database, and what of Kafka belongs to them.
struct Stage {
  Stage(const Config& config, std::chrono::milliseconds patience)
      : settings(make_settings(config)),
        opened(make_database_factory(config, Missing::kRefuse)()),
        groups(settings, patience),
        reader(settings, patience) {
    SchemaMigrator(*opened, {kinbox_component()}).require_current();
    topics = kafka::Admin(settings, patience).topics();
  }

  kafka::Settings settings;
  std::unique_ptr<Database> opened;
  kafka::Groups groups;
  kafka::LogReader reader;
  std::map<std::string, int> topics;
};

struct ConsumerPlan {
  const ConsumerConfig* consumer = nullptr;
  std::vector<PlannedMove> moves;
};

/// A position belongs to one group, and to one topic: another that bears its name has other
/// records.
void require_ours(Stage& stage, const ConsumerConfig& consumer,
                  const std::vector<StoredPosition>& stored,
                  const std::map<TopicPartition, Offset>& wanted) {
  std::map<std::string, std::string> ids;
  for (const auto& position : stored) {
    if (!position.group.empty() && position.group != consumer.group)
      throw RefusedError("consumer " + consumer.name + " belongs to group \"" + position.group +
                         "\" in this database, and to \"" + consumer.group +
                         "\" in the configuration");
    if (position.topic_id.empty() || !wanted.contains(position.partition)) continue;
    const auto& topic = position.partition.topic;
    if (!ids.contains(topic)) ids[topic] = stage.reader.topic_id(topic);
    const auto& id = ids.at(topic);
    if (!id.empty() && id != position.topic_id)
      throw RefusedError("topic \"" + position.partition.topic +
                         "\" is not the one that the position belongs to: it was deleted and "
                         "created anew; begin with it by kinbox position accept-gap --consumer " +
                         consumer.name);
  }
}

ConsumerPlan plan(Stage& stage, const ConsumerConfig& consumer, const Place& place,
                  std::span<const TopicChoice> choices) {
  const auto partitions = chosen_partitions(choices, consumer.topics, stage.topics);
  const auto facts = ask_log(stage.reader, partitions, place);
  const auto stored = stored_positions(*stage.opened, consumer.name);
  KnownOffsets known;
  for (const auto& position : stored) known.positions[position.partition] = position.next_offset;
  if (std::holds_alternative<place::Committed>(place))
    for (const auto& [partition, offset] : stage.groups.offsets(consumer.group, partitions))
      known.committed[partition] = offset.offset;
  const auto wanted = resolve(place, facts, known);
  require_ours(stage, consumer, stored, wanted);
  return {&consumer, plan_moves(wanted, facts.ranges, stored)};
}

void answer(const Invocation& invocation, const std::vector<ConsumerPlan>& plans) {
  Table table{{{"consumer"}, {"topic"}, {"partition"}, {"position"}, {"new_position"}, {"meaning"}},
              {}};
  for (const auto& [consumer, moves] : plans)
    for (const auto& [move, meaning, unknown_again] : moves)
      table.rows.push_back({consumer->name, move.partition.topic,
                            std::int64_t{move.partition.partition},
                            move.from ? Cell{*move.from} : Cell{}, move.to, meaning});
  invocation.answer(table);
}

void require_empty(kafka::Groups& groups, const std::string& group) {
  const auto state = groups.state(group);
  if (state.is_empty()) return;
  throw RefusedError("group " + group + " is " + state.state +
                     (state.members.empty()
                          ? ""
                          : ", its members are " + observe::printable(joined(state.members))) +
                     ": stop the consumer, and repeat the command; a member that died is in its "
                     "group until its session times out");
}

void require_agreed_unknown(const ConsumerPlan& plan, bool treat_as_new) {
  for (const auto& [move, meaning, unknown_again] : plan.moves)
    if (unknown_again && !treat_as_new)
      throw RefusedError(
          partition_text(move.partition) + " from " + std::to_string(move.to) + ": " + meaning +
          ". Nobody knows whether these were applied: they were pruned, or are older "
          "than this consumer. Say --treat-as-new to have them applied");
}

std::vector<Move> moves_of(const ConsumerPlan& plan) {
  std::vector<Move> moves;
  for (const auto& planned : plan.moves) moves.push_back(planned.move);
  return moves;
}

/// A hint for lag tools; the position is stored.
void tell_kafka(const Invocation& invocation, kafka::Groups& groups, const std::string& group,
                const std::vector<Move>& moves) {
  std::vector<PartitionOffset> offsets;
  for (const auto& move : moves) offsets.push_back({move.partition, move.to});
  try {
    groups.set_offsets(group, offsets);
  } catch (const Error& e) {
    invocation.io.err << "lag tools show the old position until the consumer goes on: "
                      << observe::printable(e.what()) << '\n';
  }
}

bool agreed_to(const Invocation& invocation, const std::vector<ConsumerPlan>& plans, bool yes) {
  std::int64_t moves = 0;
  std::vector<std::string> names;
  for (const auto& plan : plans) {
    moves += static_cast<std::int64_t>(plan.moves.size());
    names.push_back(plan.consumer->name);
  }
  return agreed(invocation,
                "About to set " + counted(moves, "position") + " of " + joined(names) + ". Go on?",
                yes);
}

ExitCode carry_out(const Invocation& invocation, Stage& stage, std::vector<ConsumerPlan> plans,
                   const Options& options, const std::string& action) {
  std::erase_if(plans, [](const auto& plan) { return plan.moves.empty(); });
  answer(invocation, plans);
  if (plans.empty()) {
    invocation.io.err << "the positions are there already: nothing was changed\n";
    return ExitCode::kOk;
  }
  if (options.act.dry_run) {
    invocation.io.err << "this was a dry run: nothing was changed\n";
    return ExitCode::kOk;
  }
  for (const auto& plan : plans) {
    require_agreed_unknown(plan, options.treat_as_new);
    require_empty(stage.groups, plan.consumer->group);
  }
  if (!agreed_to(invocation, plans, options.act.yes)) return ExitCode::kFailed;
  for (const auto& plan : plans) {
    const auto moves = moves_of(plan);
    require_empty(stage.groups, plan.consumer->group);
    const auto id = PositionDesk(*stage.opened, plan.consumer->name)
                        .set(moves, audited(invocation, options.act, action, described(moves)));
    invocation.io.err << plan.consumer->name << ": "
                      << counted(static_cast<std::int64_t>(moves.size()), "position")
                      << " set, row " << id << " of kinbox audit\n";
    tell_kafka(invocation, stage.groups, plan.consumer->group, moves);
  }
  return ExitCode::kOk;
}

Timestamp now() {
  return std::chrono::floor<std::chrono::milliseconds>(std::chrono::system_clock::now());
}

ExitCode set(const Invocation& invocation, const Options& options) {
  const auto config = invocation.load();
  const auto& consumer = find_consumer(config, options.consumer);
  const auto place = begin_place(options.words, consumer.group, now());
  if (!place)
    throw UsageError(
        "say where to: --to-earliest, --to-latest, --to-offset, --to-datetime, "
        "--by-duration, --shift-by, --to-committed or --from-file");
  if (!options.words.file.empty() && !options.topics.empty())
    throw UsageError("--topic and --from-file: the file says which partitions");
  std::vector<TopicChoice> choices;
  for (const auto& word : options.topics) choices.push_back(topic_choice(word));
  Stage stage(config, options.kafka_timeout);
  return carry_out(invocation, stage, {plan(stage, consumer, *place, choices)}, options,
                   "position set");
}

ExitCode import(const Invocation& invocation, const Options& options) {
  const auto config = invocation.load();
  const auto lines = read_offset_csv(options.file);
  if (lines.empty()) throw UsageError(options.file + " has no lines");
  std::vector<const ConsumerConfig*> consumers;
  if (!options.consumer.empty() || !lines.front().group) {
    consumers.push_back(&find_consumer(config, options.consumer));
  } else {
    for (const auto& consumer : config.consumers) consumers.push_back(&consumer);
  }
  Stage stage(config, options.kafka_timeout);
  std::vector<ConsumerPlan> plans;
  for (const auto* consumer : consumers)
    if (auto offsets = offsets_of(lines, consumer->group); !offsets.empty())
      plans.push_back(plan(stage, *consumer, place::Listed{std::move(offsets)}, {}));
  if (plans.empty()) throw UsageError(options.file + " has no line for a group of " + config.file);
  return carry_out(invocation, stage, std::move(plans), options, "position import");
}

void add_act(CLI::App& command, Options& options) {
  command.add_flag("--treat-as-new", options.treat_as_new,
                   "Apply records again of which nobody knows whether they were applied");
  add_duration_option(command, "--kafka-timeout", options.kafka_timeout,
                      "How long to wait for each of Kafka's answers");
  command.add_flag("--yes", options.act.yes, "Do not ask");
  command.add_flag("--dry-run", options.act.dry_run, "Show what would be done, and do nothing");
  add_audit_options(command, options.act);
}

}  // namespace

void add_position_set(CLI::App& position, Invocation& invocation) {
  auto& command = add_row_command(position, invocation, "set",
                                  "Have a consumer that is not at work go on elsewhere");
  command.footer(kSetFooter);
  const auto options = std::make_shared<Options>();
  command.add_option("--consumer", options->consumer, "Whose positions (default: the only one's)")
      ->type_name("NAME");
  add_topic_choice(command, options->topics);
  add_begin_words(command, options->words);
  add_committed_word(command, options->words);
  add_act(command, *options);
  command.callback([&invocation, options] {
    invocation.chosen = [&invocation, options] { return set(invocation, *options); };
  });
}

void add_position_import(CLI::App& position, Invocation& invocation) {
  auto& command =
      add_row_command(position, invocation, "import", "Set positions to what a file says, as CSV");
  command.footer(kImportFooter);
  const auto options = std::make_shared<Options>();
  command.add_option("FILE", options->file, "What was exported")->required();
  command
      .add_option("--consumer", options->consumer,
                  "Whose positions (default: those of the file's groups)")
      ->type_name("NAME");
  add_act(command, *options);
  command.callback([&invocation, options] {
    invocation.chosen = [&invocation, options] { return import(invocation, *options); };
  });
}

}  // namespace kinbox::cli

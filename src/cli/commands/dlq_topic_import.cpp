#include <algorithm>

#include "cli/commands/act_options.hpp"
#include "cli/commands/dlq_topic_commands.hpp"
#include "cli/commands/row_commands.hpp"
#include "cli/config/find_consumer.hpp"
#include "cli/config/kafka_settings.hpp"
#include "cli/config/nearest.hpp"
#include "cli/confirm.hpp"
#include "cli/consumer_spec.hpp"
#include "cli/foreign/originals.hpp"
#include "cli/usage_error.hpp"
#include "cli/whole_numbers.hpp"
#include "core/foreign/intake.hpp"
#include "kinbox/kafka/admin.hpp"
#include "kinbox/observe/printable.hpp"

namespace kinbox::cli {
namespace {

constexpr const char* kFooter = R"(
Each record becomes a dead letter of the consumer, with its own key, value and headers, where it was
consumed: kinbox dlq retry has it tried. What the consumer applied already is resolved at once, what
was imported before is passed over: the command may be interrupted and repeated. Nothing is written to
the topic, and no group's offsets move.

Records of topics that the consumer does not read stay where they are. Those that do not say where they
came from are taken as records of the consumer's topic if it reads one only, else --origin names it.

Exit code 2: some records were left out, because they do not say enough.)";

struct Options {
  TopicRange range;
  std::string consumer;
  std::optional<std::string> origin;
  std::optional<std::string> group;
  ActOptions act;
};

foreign::AdoptionRules rules_of(const ConsumerConfig& consumer, const Options& options,
                                kafka::LogReader& reader,
                                const std::map<std::string, int>& topics) {
  if (options.origin &&
      std::count(consumer.topics.begin(), consumer.topics.end(), *options.origin) == 0)
    throw UsageError("--origin: consumer " + consumer.name + " does not read topic \"" +
                     *options.origin + '"' + suggestion(*options.origin, consumer.topics));
  std::map<std::string, foreign::AdoptionRules::Topic> known;
  for (const auto& topic : consumer.topics)
    if (const auto found = topics.find(topic); found != topics.end())
      known[topic] = {reader.topic_id(topic), found->second};
  return {.topics = consumer.topics,
          .decoder = make_decoder(consumer),
          .origin = options.origin,
          .group = options.group,
          .look_up = [known](const std::string& topic) {
            const auto found = known.find(topic);
            return found == known.end() ? foreign::AdoptionRules::Topic{} : found->second;
          }};
}

/// What was imported, in words; for the audit.
std::string filter_of(const Options& options) {
  auto text = options.range.topic;
  const auto append = [&](const char* name, const std::string& value) {
    if (!value.empty()) text += std::string(" --") + name + ' ' + value;
  };
  append("partition", options.range.partition ? std::to_string(*options.range.partition) : "");
  append("from", options.range.from);
  append("until", options.range.until);
  append("origin", options.origin.value_or(""));
  append("group", options.group.value_or(""));
  append("limit", options.act.limit > 0 ? std::to_string(options.act.limit) : "");
  return text;
}

void read_all(kafka::LogReader& reader, Originals& originals, foreign::Intake& intake) {
  constexpr std::size_t kPortion = 500;
  while (!intake.full()) {
    const auto records = reader.next(kPortion);
    if (records.empty()) break;
    std::vector<foreign::ForeignLetter> letters;
    letters.reserve(records.size());
    for (const auto& record : records) letters.push_back(foreign::read_letter(record));
    originals.complete(letters);
    intake.take(std::move(letters));
  }
  intake.finish();
}

void answer(const Invocation& invocation, const foreign::Intake& intake) {
  const auto& tally = intake.tally();
  Table table{{{"read"},
               {"imported"},
               {"applied_already"},
               {"id_conflicts"},
               {"known"},
               {"other_topic"},
               {"other_group"},
               {"unclear"},
               {"audit"}},
              {{tally.read, tally.imported, tally.applied_already, tally.id_conflicts, tally.known,
                tally.other_topic, tally.other_group, tally.unclear,
                intake.audit_id() == 0 ? Cell{} : Cell{intake.audit_id()}}}};
  invocation.answer(table);
  for (const auto& note : tally.notes) invocation.io.err << observe::printable(note) << '\n';
}

ExitCode import_topic(const Invocation& invocation, const Options& options) {
  const auto config = invocation.load();
  const auto& consumer = find_consumer(config, options.consumer);
  const auto settings = make_settings(config);
  const auto database = make_database_factory(config, Missing::kRefuse)();
  SchemaMigrator(*database, {kinbox_component()}).require_current();

  const auto topics = kafka::Admin(settings).topics();
  kafka::LogReader reader(settings);
  const auto slices = slices_of(reader, topics, options.range);
  auto rules = rules_of(consumer, options, reader, topics);
  const auto question = "About to import up to " + counted(size_of(slices), "record") +
                        " of topic " + options.range.topic + " as dead letters of consumer " +
                        consumer.name + ". Go on?";
  if (!options.act.dry_run && !slices.empty() && !agreed(invocation, question, options.act.yes))
    return ExitCode::kFailed;

  auto action = audited(invocation, options.act, "dlq topic import", filter_of(options));
  action.consumer = consumer.name;
  foreign::Intake intake(*database, foreign::Adoption(std::move(rules)),
                         {.consumer = consumer.name,
                          .from = "dlq topic " + options.range.topic,
                          .action = std::move(action),
                          .limit = options.act.limit,
                          .dry_run = options.act.dry_run});
  Originals originals(settings, topics);
  reader.start(slices);
  read_all(reader, originals, intake);
  answer(invocation, intake);
  if (options.act.dry_run) invocation.io.err << "this was a dry run: nothing was changed\n";
  return intake.tally().unclear > 0 ? ExitCode::kNotClean : ExitCode::kOk;
}

void add_choice(CLI::App& command, Options& options) {
  command.add_option("--consumer", options.consumer, "Whose dead letters they become")
      ->required()
      ->type_name("NAME");
  command.add_option("--origin", options.origin, "Where records came from that do not say it")
      ->type_name("TOPIC");
  command
      .add_option("--group", options.group,
                  "Only what failed in this group, as the records name it")
      ->type_name("GROUP");
  command.add_option("--limit", options.act.limit, "At most so many new letters (default: all)")
      ->type_name("N")
      ->check(from_one());
}

}  // namespace

void add_dlq_topic_import(CLI::App& group, Invocation& invocation) {
  auto& command = add_row_command(group, invocation, "import",
                                  "Make records of a DLQ topic dead letters of a consumer");
  command.footer(kFooter);
  const auto options = std::make_shared<Options>();
  add_topic_range(command, options->range);
  add_choice(command, *options);
  command.add_flag("--yes", options->act.yes, "Do not ask");
  command.add_flag("--dry-run", options->act.dry_run, "Do everything, and keep nothing of it");
  add_audit_options(command, options->act);
  command.callback([&invocation, options] {
    invocation.chosen = [&invocation, options] { return import_topic(invocation, *options); };
  });
}

}  // namespace kinbox::cli

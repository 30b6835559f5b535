#include "cli/commands/dlq_topic_commands.hpp"
#include "cli/commands/row_commands.hpp"
#include "cli/config/kafka_settings.hpp"
#include "cli/config/units.hpp"
#include "cli/foreign/dlq_survey.hpp"
#include "cli/output/joined.hpp"
#include "cli/output/readable.hpp"
#include "core/foreign/foreign_letter.hpp"
#include "kinbox/kafka/admin.hpp"

namespace kinbox::cli {
namespace {

constexpr const char* kFooter = R"(
Formats: spring (Spring Kafka), connect and streams (Kafka Connect and Streams), share-group (Kafka's
share groups), karafka, masstransit, kinbox; unknown is everything else.

Examples:
  kinbox dlq topic ls                              which topics look like it, and whose they are
  kinbox dlq topic show orders-dlt --limit 20      what failed where, as the headers tell it
  kinbox dlq topic import orders-dlt --consumer billing --dry-run
  kinbox dlq topic import orders-dlt --consumer billing
  kinbox dlq retry --all --consumer billing        have the imported letters tried)";

Cell time_cell(const std::optional<Timestamp>& time) {
  return time ? Cell{to_text(*time)} : Cell{};
}

template <typename Number>
Cell number_cell(const std::optional<Number>& number) {
  return number ? Cell{std::int64_t{*number}} : Cell{};
}

std::vector<std::string> names(const std::set<std::string>& set) {
  return {set.begin(), set.end()};
}

ExitCode list(const Invocation& invocation, bool all) {
  const auto settings = make_settings(invocation.load());
  auto topics = kafka::Admin(settings).topics();
  if (!all) std::erase_if(topics, [](const auto& entry) { return !has_dlq_name(entry.first); });
  kafka::LogReader reader(settings);
  Table table{{{"topic"}, {"partitions"}, {"records"}, {"format"}, {"from"}, {"newest"}}, {}};
  for (const auto& topic : survey(reader, ranges_of(reader, topics))) {
    const bool is_known = topic.formats.size() > 1 ||
                          (topic.formats.size() == 1 && !topic.formats.contains("unknown"));
    if (!topic.trouble.empty()) invocation.io.err << topic.topic << ": " << topic.trouble << '\n';
    if (!is_known && !has_dlq_name(topic.topic)) continue;
    table.rows.push_back({topic.topic, std::int64_t{topic.partitions}, topic.records,
                          joined(names(topic.formats)), joined(names(topic.origins)),
                          time_cell(topic.newest)});
  }
  invocation.answer(table);
  return ExitCode::kOk;
}

std::vector<Column> show_columns() {
  return {{"partition"},
          {"offset"},
          {"timestamp", true},
          {"format"},
          {"origin_topic"},
          {"origin_partition"},
          {"origin_offset"},
          {"group", true},
          {"key", false, 40},
          {"error_type", false, 40},
          {"error_text", false, 60},
          {"thrown_at", true},
          {"attempts", true},
          {"first_failed_at", true},
          {"dead_at", true},
          {"damaged", true},
          {"value", true}};
}

/// Nothing told is nothing shown.
Cell text_cell(const std::string& text) { return text.empty() ? Cell{} : Cell{text}; }

Cell bytes_cell(const std::optional<std::string>& bytes) {
  return bytes ? Cell{readable(*bytes)} : Cell{};
}

std::vector<Cell> row_of(const Record& record) {
  const auto letter = foreign::read_letter(record);
  return {std::int64_t{record.partition()},  record.offset(),
          time_cell(record.timestamp()),     std::string(to_text(letter.format)),
          cell(letter.origin.topic),         number_cell(letter.origin.partition),
          number_cell(letter.origin.offset), text_cell(letter.group),
          bytes_cell(letter.record.key),     text_cell(letter.error_type),
          text_cell(letter.error_text),      text_cell(letter.thrown_at),
          number_cell(letter.attempts),      time_cell(letter.first_failed_at),
          time_cell(letter.dead_at),         text_cell(joined(letter.damaged)),
          bytes_cell(letter.record.value)};
}

struct ShowOptions {
  TopicRange range;
  std::int64_t limit = 100;
};

ExitCode show(const Invocation& invocation, const ShowOptions& options) {
  const auto settings = make_settings(invocation.load());
  kafka::LogReader reader(settings);
  reader.start(slices_of(reader, kafka::Admin(settings).topics(), options.range));
  Table table{show_columns(), {}};
  const auto left = [&] { return static_cast<std::size_t>(options.limit) - table.rows.size(); };
  while (left() > 0) {
    const auto some = reader.next(left());
    if (some.empty()) break;
    for (const auto& record : some) table.rows.push_back(row_of(record));
  }
  invocation.answer(table);
  mention_limit(invocation, table.rows.size(), options.limit);
  return ExitCode::kOk;
}

void add_list_subcommand(CLI::App& group, Invocation& invocation) {
  auto& command = add_row_command(group, invocation, "ls", "Topics that look like DLQ topics");
  const auto all = std::make_shared<bool>(false);
  command.add_flag("--all", *all, "Look into every topic, whatever its name");
  command.callback([&invocation, all] {
    invocation.chosen = [&invocation, all] { return list(invocation, *all); };
  });
}

void add_show_subcommand(CLI::App& group, Invocation& invocation) {
  auto& command = add_row_command(group, invocation, "show",
                                  "Records of a DLQ topic: where they failed, and how");
  const auto options = std::make_shared<ShowOptions>();
  add_topic_range(command, options->range);
  add_limit_option(command, options->limit);
  command.callback([&invocation, options] {
    invocation.chosen = [&invocation, options] { return show(invocation, *options); };
  });
}

}  // namespace

void add_topic_range(CLI::App& command, TopicRange& range) {
  command.add_option("TOPIC", range.topic, "The DLQ topic")->required();
  command.add_option("--partition", range.partition, "Only this one")->type_name("N");
  command
      .add_option("--from", range.from,
                  "First offset, or the time, with its zone, of the first record (default: the "
                  "log's start)")
      ->type_name("WHERE");
  command
      .add_option("--until", range.until,
                  "Offset, or time with its zone, of the first record to be left out (default: the "
                  "log's end)")
      ->type_name("WHERE");
}

void add_dlq_topic(CLI::App& dlq, Invocation& invocation) {
  auto* group = dlq.add_subcommand("topic", "DLQ topics of other frameworks, and their import");
  group->require_subcommand(1);
  group->footer(kFooter);
  add_list_subcommand(*group, invocation);
  add_show_subcommand(*group, invocation);
  add_dlq_topic_import(*group, invocation);
}

}  // namespace kinbox::cli

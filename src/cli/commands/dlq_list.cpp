#include "cli/commands/dlq_commands.hpp"
#include "cli/commands/row_commands.hpp"
#include "cli/dlq/letter_view.hpp"
#include "cli/dlq/selection_options.hpp"
#include "cli/dlq/stored_record.hpp"
#include "cli/output/record_format.hpp"
#include "cli/output/row_table.hpp"

namespace kinbox::cli {
namespace {

constexpr const char* kFooter = R"(
--format prints records instead, as kcat's -f does: %t topic, %p partition, %o offset, %T timestamp,
%k key, %s value, %h headers, %K %S %R lengths of key and value, %% a percent sign; \n \r \t \xHH.
Keys and values come as they are, no line end is added.

Examples:
  kinbox dlq list --consumer orders --since 2026-01-31T02:00:00Z
  kinbox dlq list --group 9f86d081884c7d65 -o jsonl
  kinbox dlq list --key customer-17 --state all
  kinbox dlq list --format '%t/%p@%o %k: %s\n')";

struct Options {
  LetterSelection selection{.states = {"open", "requested"}};
  Page page;
  std::string format;
};

void print_records(const Invocation& invocation, const Rows& rows, const std::string& format) {
  const RecordFormat record_format(format);
  for (const auto row : rows) record_format.print(invocation.io.out, stored_record(row));
}

Table table_of_letters(const Rows& rows) {
  return table_of(rows, {{"id"},
                         {"state"},
                         {"consumer"},
                         {"group", true},
                         {"topic"},
                         {"partition"},
                         {"offset"},
                         {"key", false, 40},
                         {"event_id"},
                         {"type"},
                         {"reason"},
                         {"handler"},
                         {"error_type", true},
                         {"error_code", true},
                         {"attempts", true},
                         {"redrives"},
                         {"seen_again", true},
                         {"first_failed_at", true},
                         {"dead_at"},
                         {"due_at", true},
                         {"error_text", false, 60}});
}

ExitCode list(const Invocation& invocation, const Options& options) {
  const bool as_records = !options.format.empty();
  Opened<LetterView> letters(invocation.load());
  const auto rows = letters.view.list(options.selection, options.page,
                                      as_records ? Content::kRecord : Content::kNone);
  if (as_records)
    print_records(invocation, rows, options.format);
  else
    invocation.answer(table_of_letters(rows));
  if (as_records && rows.empty())
    invocation.io.err << "nothing matches: no letter for " << as_options(options.selection) << '\n';
  mention_next(invocation, rows, options.page, "kinbox dlq list", as_options(options.selection));
  return ExitCode::kOk;
}

}  // namespace

void add_dlq_list(CLI::App& dlq, Invocation& invocation) {
  auto& command = add_row_command(dlq, invocation, "list", "Letters, the oldest first");
  command.footer(kFooter);
  const auto options = std::make_shared<Options>();
  add_filter_options(command, options->selection);
  add_state_option(command, options->selection);
  add_page_options(command, options->page);
  command.add_option("--format", options->format, "Print records instead, in kcat's tokens")
      ->type_name("FORMAT")
      ->excludes(command.get_option("--output"));
  command.callback([&invocation, options] {
    invocation.chosen = [&invocation, options] { return list(invocation, *options); };
  });
}

}  // namespace kinbox::cli

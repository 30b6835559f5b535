#include "cli/commands/dlq_commands.hpp"
#include "cli/commands/row_commands.hpp"
#include "cli/dlq/letter_view.hpp"
#include "cli/dlq/selection_options.hpp"
#include "cli/output/row_table.hpp"

namespace kinbox::cli {
namespace {

struct Options {
  LetterSelection selection{.states = {"open", "requested"}};
  Page page;
};

ExitCode list(const Invocation& invocation, const Options& options) {
  Opened<LetterView> letters(invocation.load());
  const auto rows = letters.view.list(options.selection, options.page);
  invocation.answer(table_of(rows, {{"id"},
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
                                    {"error_text", false, 60}}));
  mention_next(invocation, rows, options.page, "kinbox dlq list " + as_options(options.selection));
  return ExitCode::kOk;
}

}  // namespace

void add_dlq_list(CLI::App& dlq, Invocation& invocation) {
  auto& command = add_row_command(dlq, invocation, "list", "Letters, the oldest first");
  const auto options = std::make_shared<Options>();
  add_filter_options(command, options->selection);
  add_state_option(command, options->selection);
  add_page_options(command, options->page);
  command.callback([&invocation, options] {
    invocation.chosen = [&invocation, options] { return list(invocation, *options); };
  });
}

}  // namespace kinbox::cli

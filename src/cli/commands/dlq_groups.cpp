#include "cli/commands/dlq_commands.hpp"
#include "cli/commands/row_commands.hpp"
#include "cli/dlq/letter_view.hpp"
#include "cli/dlq/selection_options.hpp"
#include "cli/output/row_table.hpp"

namespace kinbox::cli {
namespace {

constexpr const char* kFooter = R"(
The largest first. Letters are of one group when handler, error type, error code and the error's text
agree; numbers, ids and quotations in the text do not count. SAMPLE is the latest letter.

Examples:
  kinbox dlq groups --consumer orders
  kinbox dlq groups --state all            also what was resolved, or discarded
  kinbox dlq groups -o wide                with the whole text of the error)";

struct Options {
  LetterSelection selection{.states = {"open", "requested"}};
  std::int64_t limit = 100;
};

ExitCode groups(const Invocation& invocation, const Options& options) {
  Opened<LetterView> letters(invocation.load());
  const auto rows = letters.view.groups(options.selection, options.limit);
  invocation.answer(table_of(rows, {{"group"},
                                    {"consumer"},
                                    {"reason"},
                                    {"handler"},
                                    {"error_type"},
                                    {"error_code"},
                                    {"letters"},
                                    {"requested", true},
                                    {"first_seen"},
                                    {"last_seen"},
                                    {"redrives"},
                                    {"sample"},
                                    {"error_text", false, 60}}));
  mention_limit(invocation, rows.size(), options.limit);
  return ExitCode::kOk;
}

}  // namespace

void add_dlq_groups(CLI::App& dlq, Invocation& invocation) {
  auto& command = add_row_command(dlq, invocation, "groups", "What failed, by cause");
  command.footer(kFooter);
  const auto options = std::make_shared<Options>();
  add_consumer_option(command, options->selection);
  add_state_option(command, options->selection);
  add_limit_option(command, options->limit);
  command.callback([&invocation, options] {
    invocation.chosen = [&invocation, options] { return groups(invocation, *options); };
  });
}

}  // namespace kinbox::cli

#include "cli/commands/inbox_commands.hpp"
#include "cli/commands/row_commands.hpp"

namespace kinbox::cli {
namespace {

constexpr const char* kFooter = R"(
The inbox has a row per event and consumer: what was decided, and of which record. While the row is
there, the event never takes effect again.

Examples:
  kinbox inbox show e-4711                       was it processed, and what came of it?
  kinbox inbox list --consumer orders --prefix order-17
  kinbox inbox verify                            exit 2 if counters and rows do not agree)";

}  // namespace

void add_inbox(CLI::App& app, Invocation& invocation) {
  auto* inbox = app.add_subcommand("inbox",
                                   "What was decided about events: one, many, and whether "
                                   "rows and counters agree");
  inbox->require_subcommand(1);
  inbox->footer(kFooter);
  add_inbox_show(*inbox, invocation);
  add_inbox_list(*inbox, invocation);
  add_inbox_verify(*inbox, invocation);
}

}  // namespace kinbox::cli

#include <CLI/CLI.hpp>

#include "cli/commands/commands.hpp"
#include "cli/commands/dlq_commands.hpp"

namespace kinbox::cli {
namespace {

constexpr const char* kFooter = R"(
A dead letter is open until somebody has it tried again or discards it: requested while its consumer
is to try it, parked while it waits behind others of its key, resolved when it was applied, discarded
when it never will be. Letters with one cause are a group.

Examples:
  kinbox dlq groups                                what failed, by cause
  kinbox dlq list --group 9f86d081884c7d65         one cause, letter by letter
  kinbox dlq show 17                               one letter: error, headers, payload, history
  kinbox dlq list --topic orders --since 2026-01-31T00:00:00Z -o jsonl
  kinbox dlq retry 17 18                           the cause is mended: try these again
  kinbox dlq retry --group 9f86d081884c7d65 --rate 50/s
  kinbox dlq retry 17 --as-id e-17-second          another event has its id
  kinbox dlq discard 17 --reason "test order"      never try it again; restore undoes it
  kinbox dlq export --reason undecodable > undecodable.jsonl)";

}  // namespace

void add_dlq(CLI::App& app, Invocation& invocation) {
  auto* dlq = app.add_subcommand("dlq", "Dead letters: events that could not be applied");
  dlq->require_subcommand(1);
  dlq->footer(kFooter);
  add_dlq_groups(*dlq, invocation);
  add_dlq_list(*dlq, invocation);
  add_dlq_show(*dlq, invocation);
  add_dlq_retry(*dlq, invocation);
  add_dlq_edit(*dlq, invocation);
  add_dlq_discard(*dlq, invocation);
  add_dlq_restore(*dlq, invocation);
  add_dlq_purge(*dlq, invocation);
  add_dlq_export(*dlq, invocation);
  add_dlq_import(*dlq, invocation);
  add_dlq_topic(*dlq, invocation);
}

}  // namespace kinbox::cli

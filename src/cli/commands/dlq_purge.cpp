#include <CLI/CLI.hpp>

#include "cli/commands/act_options.hpp"
#include "cli/commands/dlq_commands.hpp"
#include "cli/commands/row_commands.hpp"
#include "cli/confirm.hpp"
#include "cli/dlq/purge.hpp"
#include "cli/dlq/selection_options.hpp"
#include "cli/output/readable.hpp"
#include "cli/usage_error.hpp"

namespace kinbox::cli {
namespace {

struct Options {
  LetterSelection selection;
  std::string confirm;
  ActOptions act;
};

struct Letters {
  explicit Letters(Database&) {}
};

ExitCode run_purge(const Invocation& invocation, const Options& options) {
  const auto& selection = options.selection;
  if (selection.key.has_value() == selection.event_id.has_value())
    throw UsageError("say whose payloads: --key KEY, or --event-id ID");
  Opened<Letters> opened(invocation.load());
  const auto plan = plan_purge(*opened.database, selection);
  Table table{{{"letters"}, {"parked"}, {"audit"}}, {{plan.letters(), plan.parked(), Cell{}}}};
  if (plan.by_consumer.empty()) {
    invocation.answer(table);
    invocation.io.err << "nothing matches: no payload is kept of it\n";
    return ExitCode::kOk;
  }
  const auto what =
      counted(plan.letters(), "letter") + " and " + counted(plan.parked(), "parked event");
  if (options.act.dry_run) {
    invocation.answer(table);
    invocation.io.err << "nothing was changed: the payloads of " << what << " would be erased\n";
    return ExitCode::kOk;
  }
  const auto name = selection.key ? readable(*selection.key) : *selection.event_id;
  if (!agreed_by_name(invocation,
                      "About to erase the payloads of " + what +
                          " for good: none of them can be tried any more.",
                      name, options.confirm))
    return ExitCode::kFailed;
  // The audit outlives the payloads, so it does not name the person.
  const auto filter = selection.key ? "--key (not kept)" : "--event-id " + *selection.event_id;
  table.rows[0][2] = purge(*opened.database, selection, plan,
                           audited(invocation, options.act, "dlq purge", filter));
  invocation.answer(table);
  invocation.io.err << "what reached a DLQ topic stays there until its retention or a deletion of "
                       "yours, and backups hold what they hold\n";
  return ExitCode::kOk;
}

}  // namespace

void add_dlq_purge(CLI::App& dlq, Invocation& invocation) {
  auto& command =
      add_row_command(dlq, invocation, "purge",
                      "Erase one person's payloads, of letters and parked events, for good");
  const auto options = std::make_shared<Options>();
  add_consumer_option(command, options->selection);
  add_key_option(command, options->selection);
  command.add_option("--event-id", options->selection.event_id, "The event of this id")
      ->type_name("ID");
  command
      .add_option("--confirm", options->confirm,
                  "The key or event id once more, instead of typing it when asked")
      ->type_name("NAME");
  command.add_flag("--dry-run", options->act.dry_run, "Show what would be erased, and do nothing");
  add_audit_options(command, options->act);
  command.callback([&invocation, options] {
    invocation.chosen = [&invocation, options] { return run_purge(invocation, *options); };
  });
}

}  // namespace kinbox::cli

#include "cli/audit/audit_view.hpp"
#include "cli/commands/row_commands.hpp"
#include "cli/dlq/selection_options.hpp"
#include "cli/output/row_table.hpp"
#include "cli/whole_numbers.hpp"

namespace kinbox::cli {
namespace {

constexpr const char* kFooter = R"(
What people did to dead letters and parked events with kinbox's commands, the latest first. AFFECTED
counts the rows; an OUTCOME that is empty is an action under way, or one that was cut short.

Examples:
  kinbox audit --consumer orders --since 2026-01-31T00:00:00Z
  kinbox audit --action 'dlq discard' -o wide)";

ExitCode audit(const Invocation& invocation, const AuditSelection& selection) {
  Opened<AuditView> actions(invocation.load());
  const auto rows = actions.view.list(selection);
  invocation.answer(table_of(rows, {{"id"},
                                    {"at"},
                                    {"who"},
                                    {"action"},
                                    {"consumer"},
                                    {"affected"},
                                    {"outcome"},
                                    {"filter", false, 60},
                                    {"reason", false, 60}}));
  if (static_cast<std::int64_t>(rows.size()) == selection.limit)
    invocation.io.err << "there may be more than these " << selection.limit
                      << "; earlier ones: --before "
                      << rows[rows.size() - 1].get<std::int64_t>("id") << '\n';
  return ExitCode::kOk;
}

}  // namespace

void add_audit(CLI::App& app, Invocation& invocation) {
  auto& command = add_row_command(app, invocation, "audit", "What people did, the latest first");
  command.footer(kFooter);
  const auto selection = std::make_shared<AuditSelection>();
  command.add_option("--consumer", selection->consumer, "Only for this consumer")
      ->type_name("NAME");
  command.add_option("--action", selection->action, "Only this, like 'dlq retry'")
      ->type_name("ACTION");
  command.add_option("--who", selection->who, "Only this person's")->type_name("WHO");
  add_moment_option(command, "--since", selection->since, "Done then or later");
  add_moment_option(command, "--until", selection->until, "Done before then");
  add_limit_option(command, selection->limit);
  command.add_option("--before", selection->before, "Go on before this id")
      ->type_name("ID")
      ->check(from_one());
  command.callback([&invocation, selection] {
    invocation.chosen = [&invocation, selection] { return audit(invocation, *selection); };
  });
}

}  // namespace kinbox::cli

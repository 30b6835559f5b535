#include "cli/commands/act_options.hpp"

#include <CLI/CLI.hpp>

#include "cli/audit/operator_name.hpp"
#include "cli/usage_error.hpp"
#include "cli/whole_numbers.hpp"

namespace kinbox::cli {

void add_audit_options(CLI::App& command, ActOptions& options) {
  command
      .add_option("--as", options.as,
                  "Who does it, for the audit (default: $KINBOX_OPERATOR, else user@host)")
      ->type_name("NAME");
  command.add_option("--note", options.reason, "Why, for the audit")->type_name("TEXT");
}

void add_bulk_options(CLI::App& command, ActOptions& options, const std::string& all_help) {
  command.add_flag("--all", options.all, all_help);
  command.add_option("--limit", options.limit, "At most so many of those that are selected")
      ->type_name("N")
      ->check(from_one());
  command.add_flag("--yes", options.yes, "Do not ask");
  command.add_flag("--dry-run", options.dry_run, "Show what would be done, and do nothing");
  add_audit_options(command, options);
}

Audit::Action audited(const Invocation& invocation, const ActOptions& options,
                      const std::string& action, const std::string& filter) {
  return {.who = operator_name(options.as, invocation.environment),
          .action = action,
          .filter = filter,
          .reason = options.reason};
}

void require_one_way(bool ids, bool filters, bool all, const std::string& things) {
  if (ids && (filters || all))
    throw UsageError("name " + things + " by their ids, or by filters, not by both");
  if (!ids && !filters && !all)
    throw UsageError("name " + things + " by their ids, by filters, or say --all");
}

void answer_bulk(const Invocation& invocation, const std::string& done, std::int64_t rows,
                 std::int64_t audit_id) {
  Table table{{{done}, {"audit"}}, {}};
  table.rows.push_back({rows, audit_id != 0 ? Cell{audit_id} : Cell{}});
  invocation.answer(table);
}

std::string counted(std::int64_t count, const std::string& thing) {
  return std::to_string(count) + ' ' + thing + (count == 1 ? "" : "s");
}

}  // namespace kinbox::cli

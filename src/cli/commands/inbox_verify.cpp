#include "cli/commands/inbox_commands.hpp"
#include "cli/commands/row_commands.hpp"
#include "cli/inbox/recount.hpp"
#include "cli/inbox/table_checks.hpp"
#include "cli/output/sections.hpp"

namespace kinbox::cli {
namespace {

constexpr const char* kFooter = R"(
Of each partition: do the counters add up to the distance its position went, and are the rows there
that they count? Of the tables: is no id in the inbox twice, are indexes whole, do letters and queues
have their inbox rows? "unknown" is a difference that pruning, an import or a replay of this very
partition explains, and no larger than that. Nothing is changed.

It reads whole tables: minutes for tens of millions of rows. On PostgreSQL workers go on; on SQLite
each check keeps them waiting, so make a copy (sqlite3 FILE ".backup COPY") and verify that.

Exit code 2: something does not agree.

Examples:
  kinbox inbox verify
  kinbox inbox verify -o json | jq '.partitions[] | select(.result == "MISMATCH")')";

std::string text_of(const std::vector<std::string>& notes) {
  std::string text;
  for (const auto& note : notes) text += (text.empty() ? "" : "; ") + note;
  return text;
}

Table partitions_table(const std::vector<Recount>& partitions) {
  Table table{{{"consumer"},
               {"topic"},
               {"partition"},
               {"result"},
               {"first_offset", true},
               {"position"},
               {"applied"},
               {"applied_rows"},
               {"dead"},
               {"dead_rows"},
               {"parked"},
               {"parked_rows"},
               {"skipped", true},
               {"skipped_rows", true},
               {"duplicates", true},
               {"gaps", true},
               {"imported", true},
               {"note"}},
              {}};
  for (const auto& of : partitions)
    table.rows.push_back({of.consumer, of.partition.topic, std::int64_t{of.partition.partition},
                          std::string(to_text(of.finding)), of.first_offset, of.next_offset,
                          of.counters.applied, of.applied_rows, of.counters.dead, of.dead_rows,
                          of.counters.parked, of.parked_rows, of.counters.skipped, of.skipped_rows,
                          of.counters.duplicates, of.counters.gaps, of.imported,
                          text_of(of.notes)});
  return table;
}

Table checks_table(const std::vector<TableCheck>& checks) {
  Table table{{{"check"}, {"result"}, {"note"}}, {}};
  for (const auto& check : checks)
    table.rows.push_back({check.name, std::string(to_text(check.finding)), check.note});
  return table;
}

template <typename Findings>
bool agree(const Findings& findings) {
  for (const auto& of : findings)
    if (of.finding == Finding::kMismatch) return false;
  return true;
}

ExitCode verify(const Invocation& invocation) {
  const auto config = invocation.load();
  const auto database = make_patient_database_factory(config)();
  SchemaMigrator(*database, {kinbox_component()}).require_current();
  const auto partitions = recount(*database);
  const auto checks = check_tables(*database);
  write_sections(invocation.io.out,
                 {{"partitions", partitions_table(partitions)}, {"checks", checks_table(checks)}},
                 invocation.output);
  if (agree(partitions) && agree(checks)) return ExitCode::kOk;
  invocation.io.err << "kinbox: rows and counters do not agree; see docs/operating.md, \"What if "
                       "inbox verify finds something\"\n";
  return ExitCode::kNotClean;
}

}  // namespace

void add_inbox_verify(CLI::App& inbox, Invocation& invocation) {
  auto& command =
      add_row_command(inbox, invocation, "verify", "Recount what the counters and indexes claim");
  command.footer(kFooter);
  command.callback(
      [&invocation] { invocation.chosen = [&invocation] { return verify(invocation); }; });
}

}  // namespace kinbox::cli

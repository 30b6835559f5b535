#include <CLI/CLI.hpp>

#include "cli/commands/act_options.hpp"
#include "cli/commands/dlq_commands.hpp"
#include "cli/commands/row_commands.hpp"
#include "cli/dlq/selection_options.hpp"
#include "cli/dlq/stored_letters.hpp"
#include "cli/whole_numbers.hpp"
#include "core/own_statements.hpp"

namespace kinbox::cli {
namespace {

/// Letters whose payloads are in memory together.
constexpr std::size_t kReadAtOnce = 200;

struct Options {
  LetterSelection selection{.states = {"open"}};
  ActOptions act;
};

struct Letters {
  explicit Letters(Database& opened) : database(opened) {}
  Database& database;
};

ExitCode export_letters(const Invocation& invocation, const Options& options) {
  auto selection = options.selection;
  // Whoever names letters means them, whatever became of them.
  if (!selection.ids.empty()) selection.states.clear();
  Opened<Letters> opened(invocation.load());
  auto& database = *opened.database;
  std::vector<std::int64_t> ids;
  own_transaction(database, "export",
                  [&](OpenTransaction& tx) { ids = stored_ids(tx, selection, options.act.limit); });
  std::int64_t written = 0;
  for (std::size_t at = 0; at < ids.size(); at += kReadAtOnce) {
    const auto now = std::span(ids).subspan(at, std::min(kReadAtOnce, ids.size() - at));
    own_transaction(database, "export", [&](OpenTransaction& tx) {
      for (const auto& letter : stored_letters(tx, now)) {
        invocation.io.out << letter_to_json(letter) << '\n';
        ++written;
      }
    });
  }
  own_transaction(database, "audit", [&](OpenTransaction& tx) {
    const Audit audit(tx.dialect());
    auto action = audited(invocation, options.act, "dlq export", as_options(selection));
    action.consumer = selection.consumer.value_or("");
    audit.note(tx, audit.begin(tx, action), written, "done");
  });
  invocation.io.err << counted(written, "letter") << " exported\n";
  return ExitCode::kOk;
}

}  // namespace

void add_dlq_export(CLI::App& dlq, Invocation& invocation) {
  auto* command = dlq.add_subcommand("export", "Letters as JSON lines, for import or for a look");
  add_config_option(*command, invocation);
  const auto options = std::make_shared<Options>();
  command->add_option("ID", options->selection.ids, "The letters' ids (default: all selected)");
  add_filter_options(*command, options->selection);
  add_state_option(*command, options->selection);
  command->add_option("--limit", options->act.limit, "At most so many")
      ->type_name("N")
      ->check(from_one());
  add_audit_options(*command, options->act);
  command->callback([&invocation, options] {
    invocation.chosen = [&invocation, options] { return export_letters(invocation, *options); };
  });
}

}  // namespace kinbox::cli

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "cli/commands/act_options.hpp"
#include "cli/commands/dlq_commands.hpp"
#include "cli/commands/row_commands.hpp"
#include "cli/confirm.hpp"
#include "cli/dlq/editor.hpp"
#include "cli/dlq/letter_desk.hpp"
#include "cli/dlq/letter_edit.hpp"
#include "cli/dlq/payload_diff.hpp"

namespace kinbox::cli {
namespace {

struct Options {
  std::int64_t id = 0;
  ActOptions act;
};

ExitCode edit(const Invocation& invocation, const Options& options) {
  const auto config = invocation.load();
  if (!config.dlq.edit)
    throw RefusedError(config.file +
                       " does not allow to edit dead letters; dlq: {edit: true} allows it");
  Opened<LetterDesk> desk(config);
  const std::array ids{options.id};
  if (desk.view.plan(acts::kEdit, {.ids = {options.id}}).ids.empty()) {
    invocation.io.err << "kinbox: not edited: " << desk.view.explain(acts::kEdit, ids)[0] << '\n';
    return ExitCode::kFailed;
  }
  const auto read = read_value(*desk.database, options.id);
  const auto before = read.current().value_or("");
  const auto after = edited_by_hand(
      invocation.environment,
      "letter-" + std::to_string(options.id) + (nlohmann::json::accept(before) ? ".json" : ".txt"),
      before);
  if (after == before) {
    invocation.io.err << "unchanged\n";
    return ExitCode::kOk;
  }
  invocation.io.err << payload_diff(before, after);
  if (!agreed(invocation, "Store this?", options.act.yes)) return ExitCode::kFailed;
  store_edited(*desk.database, options.id, read, after,
               audited(invocation, options.act, acts::kEdit.command, std::to_string(options.id)));
  invocation.io.err << "letter " << options.id
                    << " has another value now, beside the original one; kinbox dlq retry "
                    << options.id << " has it tried\n";
  return ExitCode::kOk;
}

}  // namespace

void add_dlq_edit(CLI::App& dlq, Invocation& invocation) {
  auto* command = dlq.add_subcommand(
      "edit", "Change the value that an open letter is tried with, in $VISUAL or $EDITOR");
  add_config_option(*command, invocation);
  const auto options = std::make_shared<Options>();
  command->add_option("ID", options->id, "The letter's id")->required();
  command->add_flag("--yes", options->act.yes, "Store it without asking");
  add_audit_options(*command, options->act);
  command->callback([&invocation, options] {
    invocation.chosen = [&invocation, options] { return edit(invocation, *options); };
  });
}

}  // namespace kinbox::cli

#include <CLI/CLI.hpp>

#include "cli/commands/commands.hpp"
#include "cli/commands/replay_commands.hpp"

namespace kinbox::cli {
namespace {

constexpr const char* kFooter = R"(
A replay runs a piece of the past through the inbox, beside the live position and never moving it.
It is planned first: a plan changes nothing, says what is in the range, and is a file. Modes:

  fill        runs events that have no verdict, and no others
  trial       runs events in transactions that are rolled back: what would succeed?
  reprocess   runs applied events once more, in a generation of their own

Examples:
  kinbox replay plan --consumer orders --to-datetime 2026-01-31T00:00:00Z --file plan.json
  kinbox replay plan --consumer orders --to-earliest --mode trial --file trial.json
  kinbox replay apply trial.json
  kinbox replay plan --consumer orders --to-earliest --mode reprocess --file plan.json
  kinbox replay apply plan.json --confirm=orders
  kinbox replay status)";

}  // namespace

void add_replay(CLI::App& app, Invocation& invocation) {
  auto* replay = app.add_subcommand("replay", "Run a piece of the past again, as planned");
  replay->require_subcommand(1);
  replay->footer(kFooter);
  add_replay_plan(*replay, invocation);
  add_replay_apply(*replay, invocation);
  add_replay_status(*replay, invocation);
  add_replay_list(*replay, invocation);
  add_replay_pause(*replay, invocation);
  add_replay_resume(*replay, invocation);
  add_replay_cancel(*replay, invocation);
}

}  // namespace kinbox::cli

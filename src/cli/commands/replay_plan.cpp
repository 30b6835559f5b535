#include <fstream>

#include "cli/commands/replay_commands.hpp"
#include "cli/position/topic_choice.hpp"
#include "cli/replay/make_plan.hpp"
#include "cli/replay/plan_text.hpp"
#include "cli/usage_error.hpp"

namespace kinbox::cli {
namespace {

constexpr const char* kFooter = R"(
Reads the range and asks the inbox what became of its events; nothing is changed. The range ends at
the consumer's own position unless an earlier end is given, and never behind it.

  applied      have run                           dead      are dead letters
  parked       wait for their key                 skipped   were passed over by a rule
  never_seen   have no verdict: a gap to fill
  unknown      have no verdict, which says nothing: before the consumer began, or pruned
  undecodable  are no events                      unhandled  nobody takes them, or too old
  gone         offsets that retention has deleted

Records are counted: one that came twice counts twice.

The file holds a hash of itself, and what was found: `replay apply` refuses it when it was changed,
and when the world was.)";

struct Options {
  PlanRequest request;
  std::string mode = "fill";
  std::string file;
};

ReplayMode mode_of(const std::string& word) {
  if (word == "trial") return ReplayMode::kTrial;
  return word == "reprocess" ? ReplayMode::kReprocess : ReplayMode::kFill;
}

void save(const ReplayPlan& plan, const std::string& file) {
  std::ofstream out(file, std::ios::trunc);
  out << to_text(plan) << std::flush;
  if (!out) throw Error("cannot write the plan to " + file);
}

ExitCode plan(const Invocation& invocation, Options options) {
  const auto config = invocation.load();
  options.request.mode = mode_of(options.mode);
  const auto made = make_plan(invocation, config, options.request);
  if (!options.file.empty()) save(made, options.file);
  invocation.answer(table_of(made));
  auto& err = invocation.io.err;
  if (made.partitions.empty()) err << "the range is empty: there is nothing to replay\n";
  err << warnings_of(made, {.mode = made.mode});
  if (options.file.empty())
    err << "nothing was written; --file FILE keeps the plan for `" << invocation.program
        << " replay apply FILE`\n";
  else
    err << "`" << invocation.program << " replay apply " << options.file << "` carries it out\n";
  return ExitCode::kOk;
}

}  // namespace

void add_replay_plan(CLI::App& group, Invocation& invocation) {
  auto& command =
      add_row_command(group, invocation, "plan", "See what is in a range of the past, and plan");
  command.footer(kFooter);
  const auto options = std::make_shared<Options>();
  auto& request = options->request;
  command.add_option("--consumer", request.consumer, "Whose past")->required()->type_name("NAME");
  command.add_option("--mode", options->mode, "fill (default), trial or reprocess")
      ->type_name("MODE")
      ->check(CLI::IsMember({"fill", "trial", "reprocess"}).description(""));
  command.add_option("--file", options->file, "Where the plan is kept")->type_name("FILE");
  add_topic_choice(command, request.topics);
  add_begin_words(command, request.begin);
  add_end_words(command, request.end);
  command.add_option("--handler", request.filter.handlers, "Only events that this handler takes")
      ->type_name("NAME");
  command.add_option("--type", request.filter.event_types, "Only events of this type")
      ->type_name("TYPE");
  command.add_option("--event-id", request.filter.event_ids, "Only this event")->type_name("ID");
  command
      .add_option("--key", request.filter.keys,
                  "Only records with this key (\"base64:...\" for bytes)")
      ->type_name("KEY");
  command.callback([&invocation, options] {
    invocation.chosen = [&invocation, options] { return plan(invocation, *options); };
  });
}

}  // namespace kinbox::cli

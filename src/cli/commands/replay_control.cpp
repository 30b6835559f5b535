#include "cli/commands/act_options.hpp"
#include "cli/commands/replay_commands.hpp"
#include "cli/config/units.hpp"
#include "cli/confirm.hpp"
#include "cli/output/row_table.hpp"
#include "cli/replay/replay_run.hpp"
#include "cli/replay/replay_view.hpp"
#include "core/own_statements.hpp"
#include "core/replay/replay_rows.hpp"

// `replay list | status | pause | resume | cancel`.
namespace kinbox::cli {
namespace {

struct Options {
  std::int64_t id = 0;
  std::string consumer;
  std::string rate;
  std::int64_t limit = 20;
  ActOptions act;
};

void answer_list(const Invocation& invocation, const Rows& rows) {
  invocation.answer(table_of(rows, {{"id"},
                                    {"consumer"},
                                    {"mode"},
                                    {"state"},
                                    {"done"},
                                    {"offsets"},
                                    {"applied"},
                                    {"known"},
                                    {"dead"},
                                    {"left_alone"},
                                    {"silenced", true},
                                    {"generation", true},
                                    {"at_work"},
                                    {"who"},
                                    {"started_at"},
                                    {"updated_at", true},
                                    {"ended_at"},
                                    {"state_reason", false, 60}}));
}

ExitCode list(const Invocation& invocation, const Options& options) {
  Opened<ReplayView> replays(invocation.load());
  answer_list(invocation, replays.view.list(options.consumer, false, options.limit));
  return ExitCode::kOk;
}

ExitCode status(const Invocation& invocation, const Options& options) {
  Opened<ReplayView> replays(invocation.load());
  if (options.id == 0) {
    answer_list(invocation, replays.view.list({}, true, options.limit));
    return ExitCode::kOk;
  }
  const auto rows = replays.view.partitions(options.id);
  if (rows.empty()) {
    invocation.io.err << "there is no replay " << options.id << "; see `kinbox replay list`\n";
    return ExitCode::kFailed;
  }
  invocation.answer(table_of(rows, {{"replay"},
                                    {"topic"},
                                    {"partition"},
                                    {"begin_offset"},
                                    {"next_offset"},
                                    {"end_offset"},
                                    {"applied"},
                                    {"known"},
                                    {"dead"},
                                    {"left_alone"},
                                    {"silenced"}}));
  return ExitCode::kOk;
}

/// One change of a replay's state, audited.
ExitCode change(const Invocation& invocation, const Options& options, const char* word,
                const char* outcome,
                bool (*run)(const ReplayRows&, OpenTransaction&, std::int64_t,
                            const std::string& reason)) {
  const auto config = invocation.load();
  const auto database = make_database_factory(config, Missing::kRefuse)();
  SchemaMigrator(*database, {kinbox_component()}).require_current();
  auto action =
      audited(invocation, options.act, std::string("replay ") + word, std::to_string(options.id));
  std::string refused;
  own_transaction(*database, "replay", [&](OpenTransaction& tx) {
    const ReplayRows rows(tx.dialect());
    const auto row = rows.find(tx, options.id);
    if (!row) {
      refused = "there is no replay " + std::to_string(options.id) + "; see `kinbox replay list`";
    } else if (!run(rows, tx, options.id, options.act.reason)) {
      refused = "replay " + std::to_string(options.id) + " is " + row->state +
                ": there is nothing to " + word;
    } else {
      action.consumer = row->consumer;
      const Audit audit(tx.dialect());
      audit.note(tx, audit.begin(tx, action), 1, outcome);
    }
  });
  if (!refused.empty()) {
    invocation.io.err << refused << '\n';
    return ExitCode::kFailed;
  }
  invocation.io.err << "replay " << options.id << ": " << outcome << '\n';
  return ExitCode::kOk;
}

ExitCode pause(const Invocation& invocation, const Options& options) {
  return change(invocation, options, "pause", "paused",
                [](const ReplayRows& rows, OpenTransaction& tx, std::int64_t id,
                   const std::string& reason) { return rows.pause(tx, id, reason); });
}

ExitCode resume(const Invocation& invocation, const Options& options) {
  const ReplayPace pace{options.rate.empty() ? std::nullopt
                                             : std::optional(parse_rate(options.rate))};
  // One that is running goes on too: whoever ran it is gone, or is relieved.
  const auto resumed =
      change(invocation, options, "resume", "goes on",
             [](const ReplayRows& rows, OpenTransaction& tx, std::int64_t id, const std::string&) {
               return rows.resume(tx, id) || rows.find(tx, id)->state == "running";
             });
  if (resumed != ExitCode::kOk) return resumed;
  return run_replay(invocation, invocation.load(), options.id, pace);
}

ExitCode cancel(const Invocation& invocation, const Options& options) {
  const auto question =
      "About to give replay " + std::to_string(options.id) +
      " up where it is: what it did stays, what it did not do is not done. Go on?";
  if (!agreed(invocation, question, options.act.yes)) return ExitCode::kFailed;
  return change(invocation, options, "cancel", "cancelled",
                [](const ReplayRows& rows, OpenTransaction& tx, std::int64_t id,
                   const std::string&) { return rows.end(tx, id, "cancelled"); });
}

using Run = ExitCode (*)(const Invocation&, const Options&);

std::shared_ptr<Options> add(CLI::App& group, Invocation& invocation, const char* name,
                             const char* description, Run run, CLI::App*& command) {
  command = &add_row_command(group, invocation, name, description);
  const auto options = std::make_shared<Options>();
  command->callback([&invocation, options, run] {
    invocation.chosen = [&invocation, options, run] { return run(invocation, *options); };
  });
  return options;
}

void add_id(CLI::App& command, Options& options) {
  command.add_option("REPLAY", options.id, "Its number, as `replay list` shows it")->required();
}

}  // namespace

void add_replay_list(CLI::App& group, Invocation& invocation) {
  CLI::App* command = nullptr;
  const auto options = add(group, invocation, "list", "Replays, the latest first", list, command);
  command->add_option("--consumer", options->consumer, "Only of this consumer")->type_name("NAME");
  add_limit_option(*command, options->limit);
}

void add_replay_status(CLI::App& group, Invocation& invocation) {
  CLI::App* command = nullptr;
  const auto options =
      add(group, invocation, "status", "Replays that are not done, or one of them by partition",
          status, command);
  command->add_option("REPLAY", options->id, "Its number; without it, all that are not done");
}

void add_replay_pause(CLI::App& group, Invocation& invocation) {
  CLI::App* command = nullptr;
  const auto options =
      add(group, invocation, "pause",
          "Have a replay stop behind its next commit; partitions it holds wait on", pause, command);
  add_id(*command, *options);
  add_audit_options(*command, options->act);
}

void add_replay_resume(CLI::App& group, Invocation& invocation) {
  CLI::App* command = nullptr;
  const auto options =
      add(group, invocation, "resume", "Go on with a replay, here", resume, command);
  add_id(*command, *options);
  command->add_option("--rate", options->rate, "At most so many records: 500/s")->type_name("RATE");
  add_audit_options(*command, options->act);
}

void add_replay_cancel(CLI::App& group, Invocation& invocation) {
  CLI::App* command = nullptr;
  const auto options =
      add(group, invocation, "cancel", "Give a replay up, and let the partitions go that it holds",
          cancel, command);
  add_id(*command, *options);
  command->add_flag("--yes", options->act.yes, "Do not ask");
  add_audit_options(*command, options->act);
}

}  // namespace kinbox::cli

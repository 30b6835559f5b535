#include <CLI/CLI.hpp>
#include <algorithm>
#include <set>

#include "cli/commands/act_options.hpp"
#include "cli/commands/dlq_commands.hpp"
#include "cli/commands/row_commands.hpp"
#include "cli/config/units.hpp"
#include "cli/confirm.hpp"
#include "cli/dlq/letter_desk.hpp"
#include "cli/dlq/redrive_now.hpp"
#include "cli/dlq/selection_options.hpp"
#include "cli/usage_error.hpp"
#include "core/event_id.hpp"

namespace kinbox::cli {
namespace {

struct Options {
  LetterSelection selection;
  ActOptions act;
  double rate = 0;
  std::string as_id;
  bool now = false;
};

using OpenedDesk = Opened<LetterDesk>;

std::string filter_text(const Options& options) {
  auto text = as_options(options.selection);
  if (text.empty()) text = "--all";
  if (options.act.limit > 0) text += " --limit " + std::to_string(options.act.limit);
  return text;
}

void show_groups(std::ostream& out, const LetterPlan& plan, OutputFormat format) {
  Table table{{{"letters"}, {"consumer"}, {"group"}, {"reason"}, {"handler"}}, {}};
  for (const auto& group : plan.groups)
    table.rows.push_back({group.letters, group.consumer, group.group, group.reason, group.handler});
  write(out, table, format);
}

/// Those that no filter can name, and what to do about them.
void mention_left_out(const Invocation& invocation, const LetterPlan& plan) {
  auto& err = invocation.io.err;
  if (plan.conflicts > 0)
    err << counted(plan.conflicts, "letter")
        << " left as they are: reason id_conflict, the id of another event; retry each with "
           "--as-id, or discard them\n";
  if (plan.purged > 0) err << counted(plan.purged, "letter") << " left as they are: purged\n";
}

ExitCode say_nothing_matches(const Invocation& invocation, OpenedDesk& desk, const LetterAct& act,
                             const Options& options, const LetterPlan& plan) {
  answer_bulk(invocation, act.done, 0, 0);
  invocation.io.err << "nothing matches: no letter to be " << act.done << " for "
                    << filter_text(options) << '\n';
  mention_left_out(invocation, plan);
  if (const auto requested = desk.view.count_requested(options.selection);
      act.to == "requested" && requested > 0)
    invocation.io.err << counted(requested, "letter")
                      << " of these are requested already; see kinbox audit\n";
  return ExitCode::kOk;
}

/// Throws LettersMoved if the letters are not those that were agreed to.
bool agreed_to(const Invocation& invocation, OpenedDesk& desk, const LetterAct& act,
               const Options& options, const LetterPlan& plan) {
  if (options.selection.by_ids() || options.act.yes) return true;
  show_groups(invocation.io.err, plan, OutputFormat::kTable);
  mention_left_out(invocation, plan);
  const auto count = static_cast<std::int64_t>(plan.ids.size());
  const auto verb = act.command.substr(act.command.find(' ') + 1);
  if (!agreed(invocation,
              "About to " + verb + ' ' + counted(count, "letter") + " in " +
                  counted(static_cast<std::int64_t>(plan.groups.size()), "group") + ". Go on?",
              false))
    return false;
  const auto now = desk.view.plan(act, options.selection, options.act.limit);
  if (now.ids != plan.ids)
    throw LettersMoved("you were asked about " + counted(count, "letter") + ", and now there are " +
                       std::to_string(now.ids.size()) +
                       (now.ids.size() == plan.ids.size() ? " others" : "") +
                       ": more arrived, or somebody was at them (kinbox audit). Nothing was "
                       "changed; repeat the command");
  return true;
}

/// "--all --reason undecodable" would discard all letters and not what it seems to say.
void refuse_filter_as_reason(const LetterPlan& plan, const std::string& reason) {
  if (std::ranges::any_of(plan.groups, [&](const auto& group) { return group.reason == reason; }))
    throw UsageError("--reason says why you discard letters; to select those that failed with " +
                     reason + ", say --failed-with " + reason);
}

/// Those of `wanted` that are not in the plan.
std::vector<std::int64_t> missing(const std::vector<std::int64_t>& wanted, const LetterPlan& plan) {
  const std::set<std::int64_t> planned(plan.ids.begin(), plan.ids.end());
  std::vector<std::int64_t> ids;
  for (const auto id : wanted)
    if (!planned.contains(id)) ids.push_back(id);
  return ids;
}

void answer_change(const Invocation& invocation, const LetterAct& act, const Options& options,
                   const LetterPlan& plan, std::int64_t audit_id) {
  if (!options.selection.by_ids())
    return answer_bulk(invocation, act.done, static_cast<std::int64_t>(plan.ids.size()), audit_id);
  Table table{{{act.done}}, {}};
  for (const auto id : plan.ids) table.rows.push_back({id});
  invocation.answer(table);
}

void mention_waits(const Invocation& invocation, OpenedDesk& desk, const LetterPlan& plan) {
  for (const auto& partition : desk.view.untaken(plan.consumers()))
    invocation.io.err << "nobody has ever consumed " << partition
                      << "; its letters are tried once somebody does\n";
  for (const auto& consumer : desk.view.idle(plan.consumers()))
    invocation.io.err << "no worker consumes for " << consumer
                      << " at present; the letters are tried once `kinbox run` does\n";
}

LetterDesk::Change change_of(const Invocation& invocation, const LetterAct& act,
                             const Options& options) {
  LetterDesk::Change change;
  change.action = audited(invocation, options.act, act.command, filter_text(options));
  change.detail = options.act.reason;
  change.rate = options.rate;
  if (!options.as_id.empty()) {
    change.retry_as = options.as_id;
    change.detail = "as " + options.as_id + (change.detail.empty() ? "" : ": " + change.detail);
  }
  return change;
}

ExitCode run_act(const Invocation& invocation, const LetterAct& act, const Options& options) {
  require_one_way(options.selection.by_ids(), options.selection.by_filters(), options.act.all,
                  "the letters");
  OpenedDesk desk(invocation.load());
  const auto plan = desk.view.plan(act, options.selection, options.act.limit);
  if (plan.ids.empty() && !options.selection.by_ids())
    return say_nothing_matches(invocation, desk, act, options, plan);
  if (act.to == "discarded") refuse_filter_as_reason(plan, options.act.reason);
  if (options.act.dry_run) {
    show_groups(invocation.io.out, plan, invocation.output);
    invocation.io.err << counted(static_cast<std::int64_t>(plan.ids.size()), "letter")
                      << " would be " << act.done << "; nothing was changed\n";
  } else {
    if (!agreed_to(invocation, desk, act, options, plan)) return ExitCode::kFailed;
    std::int64_t audit_id = 0;
    if (!plan.ids.empty())
      audit_id = desk.view.apply(act, plan, change_of(invocation, act, options));
    answer_change(invocation, act, options, plan, audit_id);
    if (options.now)
      redrive_now(invocation, plan.consumers());
    else if (act.to == "requested")
      mention_waits(invocation, desk, plan);
  }
  if (!options.selection.by_ids()) {
    mention_left_out(invocation, plan);
    return ExitCode::kOk;
  }
  const auto left = missing(options.selection.ids, plan);
  for (const auto& why : desk.view.explain(act, left))
    invocation.io.err << "kinbox: not " << act.done << ": " << why << '\n';
  return left.empty() ? ExitCode::kOk : ExitCode::kFailed;
}

ExitCode retry(const Invocation& invocation, const Options& options) {
  if (options.now && options.rate > 0)
    throw UsageError("--now tries all of them at once; leave out --rate, or --now");
  if (options.as_id.empty()) return run_act(invocation, acts::kRetry, options);
  if (options.selection.ids.size() != 1) throw UsageError("--as-id goes with the id of one letter");
  if (!is_event_id(options.as_id))
    throw UsageError("--as-id: an event id has 1 to 512 bytes of UTF-8 without NUL");
  return run_act(invocation, acts::kRetryAs, options);
}

ExitCode discard(const Invocation& invocation, const Options& options) {
  return run_act(invocation, acts::kDiscard, options);
}

ExitCode restore(const Invocation& invocation, const Options& options) {
  return run_act(invocation, acts::kRestore, options);
}

using Runner = ExitCode (*)(const Invocation&, const Options&);

CLI::App& add_act(CLI::App& dlq, Invocation& invocation, const std::string& name,
                  const std::string& description, const std::string& all_help,
                  const std::shared_ptr<Options>& options, Runner run) {
  auto& command = add_row_command(dlq, invocation, name, description);
  command.add_option("ID", options->selection.ids, "The letters' ids");
  add_filter_options(command, options->selection);
  add_bulk_options(command, options->act, all_help);
  command.callback([&invocation, options, run] {
    invocation.chosen = [&invocation, options, run] { return run(invocation, *options); };
  });
  return command;
}

}  // namespace

void add_dlq_retry(CLI::App& dlq, Invocation& invocation) {
  const auto options = std::make_shared<Options>();
  auto& command = add_act(dlq, invocation, "retry", "Have open letters tried again",
                          "All open letters", options, retry);
  command
      .add_option_function<std::string>(
          "--rate",
          [options](const std::string& text) {
            try {
              options->rate = parse_rate(text);
            } catch (const ConfigurationError& e) {
              throw CLI::ValidationError("--rate", e.what());
            }
          },
          "At most so many, like 50/s, 300/m or 5000/h (default: as fast as it goes)")
      ->type_name("RATE");
  command.add_flag("--now", options->now,
                   "Try them here, with this binary's handlers, where no worker is at work");
  command
      .add_option("--as-id", options->as_id,
                  "Another event id for the one letter: a way out for reason id_conflict")
      ->type_name("EVENT_ID");
}

void add_dlq_discard(CLI::App& dlq, Invocation& invocation) {
  const auto options = std::make_shared<Options>();
  auto& command = add_act(dlq, invocation, "discard",
                          "Never try open or requested letters again; restore undoes it",
                          "All open and requested letters", options, discard);
  // Here the reason is the person's, not the failure's.
  command.remove_option(command.get_option("--reason"));
  command.remove_option(command.get_option("--note"));
  command.add_option("--reason", options->act.reason, "Why, for the audit")
      ->required()
      ->type_name("TEXT");
  command
      .add_option("--failed-with", options->selection.reason,
                  "Of this reason, like handler_rejected: what --reason is to dlq list")
      ->type_name("WORD");
}

void add_dlq_restore(CLI::App& dlq, Invocation& invocation) {
  add_act(dlq, invocation, "restore", "Open discarded letters again", "All discarded letters",
          std::make_shared<Options>(), restore);
}

}  // namespace kinbox::cli

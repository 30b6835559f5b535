#include <CLI/CLI.hpp>
#include <algorithm>
#include <map>
#include <set>

#include "cli/commands/act_options.hpp"
#include "cli/commands/parked_commands.hpp"
#include "cli/commands/row_commands.hpp"
#include "cli/confirm.hpp"
#include "cli/dlq/letter_desk.hpp"
#include "cli/dlq/selection_options.hpp"
#include "cli/parked/parked_desk.hpp"

namespace kinbox::cli {
namespace {

struct Options {
  LetterSelection selection;
  ActOptions act;
  bool whole_queues = false;
};

using Events = std::vector<ParkedEvent>;

/// One thing that a person does to parked events.
struct Act {
  /// As it is typed, and what is done then: "tried".
  std::string command;
  std::string done;
  bool heads_only = true;
  bool keyed_only = false;
  std::function<std::int64_t(ParkedDesk&, const Config&, const Events&, const Audit::Action&)> run;
};

std::string filter_text(const Options& options) {
  auto text = as_options(options.selection);
  if (text.empty()) text = "--all";
  if (options.whole_queues) text += " --whole-queues";
  if (options.act.limit > 0) text += " --limit " + std::to_string(options.act.limit);
  return text;
}

/// Why the act cannot be done to the event; empty if it can.
std::string objection(const Act& act, const Options& options, const ParkedEvent& event) {
  const auto name = "event " + std::to_string(event.id) + ' ';
  // Whoever names an event by its id means it, wherever it stands.
  const bool heads_only = act.heads_only && !options.whole_queues;
  if (heads_only && !event.is_head() && !(act.done == "dead" && options.selection.by_ids()))
    return name + "waits behind event " + std::to_string(event.head) + " of its key; say that one";
  if (act.keyed_only && !event.has_key) return name + "has no key, and keeps no other waiting";
  return {};
}

/// What the act can be done to, out of `events`.
Events doable(const Act& act, const Options& options, Events events) {
  std::erase_if(events, [&](const auto& e) { return !objection(act, options, e).empty(); });
  if (options.act.limit > 0 && events.size() > static_cast<std::size_t>(options.act.limit))
    events.resize(static_cast<std::size_t>(options.act.limit));
  return events;
}

/// Says of each id that is left out why it is; true if there is none.
bool explain_rest(const Invocation& invocation, const Act& act, const Options& options,
                  const Events& found) {
  bool all = true;
  for (const auto id : options.selection.ids) {
    const auto event =
        std::find_if(found.begin(), found.end(), [&](const auto& e) { return e.id == id; });
    const auto why = event == found.end() ? "there is no parked event " + std::to_string(id) +
                                                ": it was tried since, or never parked"
                                          : objection(act, options, *event);
    if (why.empty()) continue;
    invocation.io.err << "kinbox: not " << act.done << ": " << why << '\n';
    all = false;
  }
  return all;
}

std::vector<std::int64_t> ids_of(const Events& events) {
  std::vector<std::int64_t> ids;
  for (const auto& event : events) ids.push_back(event.id);
  return ids;
}

std::string counted_events(const Events& events) {
  return counted(static_cast<std::int64_t>(events.size()), "parked event");
}

bool agreed_to(const Invocation& invocation, ParkedDesk& desk, const Act& act,
               const Options& options, const Events& events) {
  if (options.selection.by_ids() || options.act.yes) return true;
  const auto verb = act.command.substr(act.command.find(' ') + 1);
  if (!agreed(invocation, "About to " + verb + ' ' + counted_events(events) + ". Go on?", false))
    return false;
  const auto now = doable(act, options, desk.plan(options.selection, false));
  if (ids_of(now) != ids_of(events))
    throw LettersMoved("you were asked about " + counted_events(events) + ", and now there are " +
                       std::to_string(now.size()) + (now.size() == events.size() ? " others" : "") +
                       ": some were tried, or more arrived. Nothing was changed; repeat the "
                       "command");
  return true;
}

void answer(const Invocation& invocation, const Act& act, const Options& options,
            const Events& events, std::int64_t audit_id) {
  if (!options.selection.by_ids())
    return answer_bulk(invocation, act.done, static_cast<std::int64_t>(events.size()), audit_id);
  Table table{{{act.done}}, {}};
  for (const auto& event : events) table.rows.push_back({event.id});
  invocation.answer(table);
}

ExitCode run_act(const Invocation& invocation, const Act& act, const Options& options) {
  require_one_way(options.selection.by_ids(), options.selection.by_filters(), options.act.all,
                  "the parked events");
  const auto config = invocation.load();
  Opened<ParkedDesk> desk(config);
  const auto found = desk.view.plan(options.selection, false);
  const auto events = doable(act, options, found);
  if (events.empty() && !options.selection.by_ids()) {
    answer_bulk(invocation, act.done, 0, 0);
    invocation.io.err << "nothing matches: no parked event for " << filter_text(options) << '\n';
    return ExitCode::kOk;
  }
  if (options.act.dry_run) {
    answer(invocation, act, options, events, 0);
    invocation.io.err << "nothing was changed: this is what would be " << act.done << '\n';
  } else {
    if (!agreed_to(invocation, desk.view, act, options, events)) return ExitCode::kFailed;
    std::int64_t audit_id = 0;
    if (!events.empty())
      audit_id = act.run(desk.view, config, events,
                         audited(invocation, options.act, act.command, filter_text(options)));
    answer(invocation, act, options, events, audit_id);
  }
  return explain_rest(invocation, act, options, found) ? ExitCode::kOk : ExitCode::kFailed;
}

/// As its consumer writes letters itself; one that this configuration does not have gets rows only.
DeadLetters::Options letters_of(const Config& config, const std::string& consumer) {
  DeadLetters::Options options;
  options.consumer = consumer;
  options.relay = false;
  for (const auto& candidate : config.consumers) {
    if (candidate.name != consumer) continue;
    options.group = candidate.group;
    options.relay = candidate.dlq_topic.has_value();
    options.dlq_topic = candidate.dlq_topic.value_or("");
  }
  return options;
}

std::shared_ptr<Options> add_act(CLI::App& parked, Invocation& invocation, const std::string& name,
                                 const std::string& description, const Act& act) {
  auto& command = add_row_command(parked, invocation, name, description);
  auto options = std::make_shared<Options>();
  command.add_option("ID", options->selection.ids, "The events' ids");
  add_filter_options(command, options->selection);
  add_bulk_options(command, options->act, "The first event of every queue");
  command.callback([&invocation, options, act] {
    invocation.chosen = [&invocation, options, act] { return run_act(invocation, act, *options); };
  });
  return options;
}

}  // namespace

void add_parked_retry(CLI::App& parked, Invocation& invocation) {
  add_act(parked, invocation, "retry", "Try the first events of queues now",
          {.command = "parked retry",
           .done = "due",
           .run = [](ParkedDesk& desk, const Config&, const Events& events,
                     const Audit::Action& action) { return desk.retry(events, action); }});
}

void add_parked_release(CLI::App& parked, Invocation& invocation) {
  add_act(parked, invocation, "release",
          "Let the others of their key go on before the first events of queues",
          {.command = "parked release",
           .done = "released",
           .keyed_only = true,
           .run = [](ParkedDesk& desk, const Config&, const Events& events,
                     const Audit::Action& action) { return desk.release(events, action); }});
}

void add_parked_dead_letter(CLI::App& parked, Invocation& invocation) {
  const auto options = add_act(
      parked, invocation, "dead-letter",
      "Make parked events dead letters: the first of queues, or any by its id",
      {.command = "parked dead-letter",
       .done = "dead",
       .run = [](ParkedDesk& desk, const Config& config, const Events& events,
                 const Audit::Action& action) {
         return desk.dead_letter(
             events, [&](const std::string& consumer) { return letters_of(config, consumer); },
             action);
       }});
  parked.get_subcommand("dead-letter")
      ->add_flag("--whole-queues", options->whole_queues,
                 "Also what waits behind the first events, not by ids");
}

}  // namespace kinbox::cli

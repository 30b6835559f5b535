#include "cli/commands/parked_commands.hpp"
#include "cli/commands/row_commands.hpp"
#include "cli/dlq/event_page.hpp"
#include "cli/dlq/parked_view.hpp"
#include "cli/dlq/selection_options.hpp"
#include "cli/dlq/stored_record.hpp"
#include "cli/output/row_table.hpp"

namespace kinbox::cli {
namespace {

constexpr const char* kFooter = R"(
An event that failed waits for its next attempt, and the later events of its key wait behind it, in
order. The first of a queue (AHEAD 0) is tried at DUE AT; the others have none until it is their turn.

Examples:
  kinbox parked list --consumer orders
  kinbox parked list --key customer-17      what waits for one key
  kinbox parked show 17                     one event: error, headers, payload
  kinbox parked retry --all                 the cause is mended: do not wait for DUE AT
  kinbox parked release 17                  the others of its key go on, before it
  kinbox parked dead-letter 17              set it aside for good; the others of its key go on)";

struct Options {
  LetterSelection selection;
  Page page;
};

ExitCode list(const Invocation& invocation, const Options& options) {
  Opened<ParkedView> parked(invocation.load());
  const auto rows = parked.view.list(options.selection, options.page);
  invocation.answer(table_of(rows, {{"id"},
                                    {"consumer"},
                                    {"group", true},
                                    {"topic"},
                                    {"partition"},
                                    {"offset"},
                                    {"key", false, 40},
                                    {"event_id"},
                                    {"type"},
                                    {"ahead"},
                                    {"due_at"},
                                    {"attempts"},
                                    {"reason"},
                                    {"handler"},
                                    {"error_type", true},
                                    {"error_code", true},
                                    {"first_failed_at", true},
                                    {"parked_at", true},
                                    {"dead_letter", true},
                                    {"seen_again", true},
                                    {"error_text", false, 60}}));
  mention_next(invocation, rows, options.page, "kinbox parked list", as_options(options.selection));
  return ExitCode::kOk;
}

ExitCode show(const Invocation& invocation, std::int64_t id) {
  Opened<ParkedView> parked(invocation.load());
  const auto rows = parked.view.show(id);
  if (rows.empty()) {
    invocation.io.err << "kinbox: no event is parked under " << id
                      << "; it was applied, or is a dead letter now: see kinbox dlq list\n";
    return ExitCode::kFailed;
  }
  answer_event(invocation, {.facts = facts_of(
                                rows, {"id",         "consumer",   "group",      "ahead",
                                       "due_at",     "reason",     "handler",    "error_type",
                                       "error_code", "error_text", "attempts",   "first_failed_at",
                                       "failed_at",  "parked_at",  "seen_again", "dead_letter",
                                       "topic",      "topic_id",   "partition",  "offset",
                                       "key",        "event_id",   "type"}),
                            .record = stored_record(rows[0])});
  return ExitCode::kOk;
}

}  // namespace

void add_parked_list(CLI::App& parked, Invocation& invocation) {
  auto& command =
      add_row_command(parked, invocation, "list", "Events that wait, the first parked first");
  const auto options = std::make_shared<Options>();
  add_filter_options(command, options->selection);
  add_page_options(command, options->page);
  command.callback([&invocation, options] {
    invocation.chosen = [&invocation, options] { return list(invocation, *options); };
  });
}

void add_parked_show(CLI::App& parked, Invocation& invocation) {
  add_row_show(parked, invocation, "Everything about one event that waits", "The row's id", show);
}

void add_parked(CLI::App& app, Invocation& invocation) {
  auto* parked = app.add_subcommand("parked", "Events that wait because one of their key failed");
  parked->require_subcommand(1);
  parked->footer(kFooter);
  add_parked_list(*parked, invocation);
  add_parked_show(*parked, invocation);
  add_parked_retry(*parked, invocation);
  add_parked_release(*parked, invocation);
  add_parked_dead_letter(*parked, invocation);
}

}  // namespace kinbox::cli

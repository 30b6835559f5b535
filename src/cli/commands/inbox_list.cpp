#include <algorithm>

#include "cli/commands/inbox_commands.hpp"
#include "cli/commands/row_commands.hpp"
#include "cli/dlq/selection_options.hpp"
#include "cli/inbox/inbox_view.hpp"
#include "cli/output/joined.hpp"
#include "cli/output/row_table.hpp"
#include "cli/output/shell_words.hpp"
#include "cli/usage_error.hpp"
#include "cli/whole_numbers.hpp"

namespace kinbox::cli {
namespace {

constexpr const char* kFooter = R"(
The inbox has one index: consumer and event id. Rows come in that order, and --prefix and --after
cost nothing. The other filters are looked at row by row, at most --scan rows for a page; the line on
stderr says how to go on. For where a record went, kinbox dlq list and kinbox parked list are faster.

Examples:
  kinbox inbox list --consumer orders --prefix order-17
  kinbox inbox list --consumer orders --verdict skipped --scan 1000000
  kinbox inbox list --consumer orders -o jsonl --limit 10000)";

struct Options {
  InboxSelection selection;
  InboxWindow window;
};

/// The consumer that is meant: the only one, unless one is named.
std::string consumer_of(InboxView& view, const std::string& named) {
  const auto known = view.consumers();
  if (!named.empty()) {
    if (std::find(known.begin(), known.end(), named) == known.end())
      throw UsageError("this database has no inbox of a consumer \"" + named +
                       "\"; it has: " + (known.empty() ? "none" : joined(known)));
    return named;
  }
  if (known.size() > 1) throw UsageError("name a --consumer: " + joined(known));
  return known.empty() ? std::string() : known.front();
}

void mention_next_id(const Invocation& invocation, const Options& options, const InboxPage& page) {
  if (!page.next) return;
  const auto& window = options.window;
  auto& err = invocation.io.err;
  const bool full = static_cast<std::int64_t>(page.rows.size()) == window.limit;
  if (full)
    err << "there may be more than these " << window.limit;
  else
    err << "looked at " << window.scan << " rows; there are more";
  ShellWords after;
  after.option("--after", *page.next);
  err << ": kinbox inbox list " << as_options(options.selection) << ' ' << after.text();
  if (window.limit != InboxWindow{}.limit) err << " --limit " << window.limit;
  if (window.scan != InboxWindow{}.scan) err << " --scan " << window.scan;
  err << '\n';
}

ExitCode list(const Invocation& invocation, Options options) {
  Opened<InboxView> inbox(invocation.load());
  options.selection.consumer = consumer_of(inbox.view, options.selection.consumer);
  const auto page = inbox.view.list(options.selection, options.window);
  invocation.answer(table_of(page.rows, {{"event_id"},
                                         {"verdict"},
                                         {"type"},
                                         {"topic"},
                                         {"partition"},
                                         {"offset"},
                                         {"generation", true},
                                         {"processed_at"}}));
  mention_next_id(invocation, options, page);
  return ExitCode::kOk;
}

void add_filters(CLI::App& command, InboxSelection& selection) {
  command
      .add_option("--consumer", selection.consumer,
                  "Whose inbox (default: that of the only consumer)")
      ->type_name("NAME");
  command.add_option("--prefix", selection.prefix, "Ids that begin with it")->type_name("TEXT");
  command.add_option("--verdict", selection.verdict, "applied, parked, dead or skipped")
      ->check(CLI::IsMember({"applied", "parked", "dead", "skipped"}).description(""))
      ->type_name("WORD");
  command.add_option("--topic", selection.topic, "Decided of a record of this topic")
      ->type_name("TOPIC");
  command.add_option("--partition", selection.partition, "Of this partition")
      ->type_name("N")
      ->check(from_zero());
  command.add_option("--type", selection.event_type, "Events of this type")->type_name("TYPE");
  add_moment_option(command, "--since", selection.since,
                    "Decided then or later (2026-01-31, or 2026-01-31T12:00:00Z)");
  add_moment_option(command, "--until", selection.until, "Decided before then");
}

}  // namespace

void add_inbox_list(CLI::App& inbox, Invocation& invocation) {
  auto& command = add_row_command(inbox, invocation, "list", "Events of a consumer, by their ids");
  command.footer(kFooter);
  const auto options = std::make_shared<Options>();
  add_filters(command, options->selection);
  add_limit_option(command, options->window.limit);
  command.add_option("--after", options->window.after, "Go on behind this id")->type_name("ID");
  command
      .add_option(
          "--scan", options->window.scan,
          "Look at so many rows at most (default: " + std::to_string(options->window.scan) + ")")
      ->type_name("N")
      ->check(from_one());
  command.callback([&invocation, options] {
    invocation.chosen = [&invocation, options] { return list(invocation, *options); };
  });
}

}  // namespace kinbox::cli

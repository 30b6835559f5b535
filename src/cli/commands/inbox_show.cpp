#include "cli/commands/inbox_commands.hpp"
#include "cli/commands/row_commands.hpp"
#include "cli/inbox/event_story.hpp"
#include "cli/inbox/inbox_view.hpp"

namespace kinbox::cli {
namespace {

constexpr const char* kFooter = R"(
Of each consumer its verdict, and what came of the event: dead letters, its place in a queue, what
was emitted because of it (outgoing: events, replies, copies for a DLQ or failover topic), mails.
A consumer that reads the record's partition and has no verdict is listed with the reason.
Sent outgoing rows are deleted after outbox.retention; with relay: cdc there are none.

Exit code 1: nothing is known of such an event.

Examples:
  kinbox inbox show e-4711
  kinbox inbox show e-4711 -o json | jq '.inbox[] | {consumer, verdict}')";

void say_unknown(const Invocation& invocation, Database& database, const std::string& id) {
  auto& err = invocation.io.err;
  err << "kinbox: nothing is known of an event " << id
      << ": no consumer of this database has a verdict about it, and no letter, mail or outgoing "
         "row names it\n";
  for (const auto& [consumer, partition, floor] : forgotten(database))
    err << consumer << ' ' << partition.topic << '/' << partition.partition
        << ": rows of records below offset " << floor
        << " were pruned; if its record is one of them, it was decided, and nobody can say how; "
           "were it to come again, it would run again\n";
}

ExitCode show(const Invocation& invocation, const std::string& id) {
  Opened<InboxView> inbox(invocation.load());
  const auto story = read_story(*inbox.database, id);
  if (!story.known) {
    say_unknown(invocation, *inbox.database, id);
    return ExitCode::kFailed;
  }
  write_sections(invocation.io.out, story.sections, invocation.output);
  return ExitCode::kOk;
}

}  // namespace

void add_inbox_show(CLI::App& inbox, Invocation& invocation) {
  auto& command =
      add_row_command(inbox, invocation, "show", "The whole story of one event, across consumers");
  command.footer(kFooter);
  const auto id = std::make_shared<std::string>();
  command.add_option("EVENT_ID", *id, "The event's id, as kinbox knows it: see kinbox inbox list")
      ->required();
  command.callback([&invocation, id] {
    invocation.chosen = [&invocation, id] { return show(invocation, *id); };
  });
}

}  // namespace kinbox::cli

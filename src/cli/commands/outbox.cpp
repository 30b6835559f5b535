#include "cli/commands/row_commands.hpp"
#include "cli/outbox/outbox_view.hpp"
#include "cli/usage_error.hpp"

namespace kinbox::cli {
namespace {

constexpr const char* kFooter = R"(
A row is pending until its broker took it, then sent; refused when the broker will never take it.
A refused event keeps the later ones of its key waiting until it is retried or discarded.

Examples:
  kinbox outbox status --check               exit 2 if a row is refused or cannot be sent now
  kinbox outbox list --state refused         what was set aside, and why
  kinbox outbox show 17                      one row: headers, payload, what the relay met
  kinbox outbox retry 17                     the cause is mended: send it again
  kinbox outbox retry --all --topic payments
  kinbox outbox discard 17                   never send it; its key goes on without it)";

using OpenedOutbox = Opened<OutboxView>;

ExitCode status(const Invocation& invocation, bool check) {
  OpenedOutbox outbox(invocation.load());
  Table table{{{"topic"},
               {"pending"},
               {"refused"},
               {"sent"},
               {"discarded"},
               {"oldest_pending"},
               {"last_error"}},
              {}};
  bool clean = true;
  std::int64_t pending = 0;
  for (const auto& topic : outbox.view.topics()) {
    pending += topic.pending;
    clean = clean && topic.refused == 0 && topic.last_error.empty();
    table.rows.push_back({topic.topic, topic.pending, topic.refused, topic.sent, topic.discarded,
                          cell(topic.oldest_pending), topic.last_error});
  }
  invocation.answer(table);
  if (pending > 0 && outbox.view.leased_lanes() == 0) {
    invocation.io.err << pending
                      << " rows are pending, and no relay is at work; start `kinbox run`\n";
    clean = false;
  }
  return check && !clean ? ExitCode::kNotClean : ExitCode::kOk;
}

ExitCode list(const Invocation& invocation, const OutboxSelection& selection) {
  OpenedOutbox outbox(invocation.load());
  Table table{{{"id"},
               {"state"},
               {"topic"},
               {"key"},
               {"type"},
               {"message_id"},
               {"attempts"},
               {"created_at"},
               {"sent_at", true},
               {"last_error"}},
              {}};
  const auto rows = outbox.view.list(selection);
  for (const auto& row : rows)
    table.rows.push_back({row.id, row.state, row.topic, cell(row.key), row.type, row.message_id,
                          row.attempts, row.created_at, cell(row.sent_at), row.last_error});
  invocation.answer(table);
  mention_limit(invocation, rows.size(), selection.limit);
  return ExitCode::kOk;
}

ExitCode show(const Invocation& invocation, std::int64_t id) {
  OpenedOutbox outbox(invocation.load());
  return answer_facts(invocation, outbox.view.show(id),
                      "the outbox has no row " + std::to_string(id) +
                          "; sent rows are deleted after outbox.retention");
}

struct Change {
  OutboxSelection selection;
  bool all = false;
};

using Changer = std::vector<std::int64_t> (OutboxView::*)(const OutboxSelection&);

ExitCode change(const Invocation& invocation, const Change& wanted, Changer changer,
                const std::string& done) {
  const auto& ids = wanted.selection.ids;
  if (ids.empty() != wanted.all)
    throw UsageError("name the rows' ids, or --all (with --topic, if you like) for all refused");
  if (!ids.empty() && !wanted.selection.topic.empty())
    throw UsageError("--topic goes with --all, not with ids");
  OpenedOutbox outbox(invocation.load());
  return answer_changes(invocation, ids, (outbox.view.*changer)(wanted.selection), done,
                        "kinbox outbox show");
}

void add_list_subcommand(CLI::App& outbox, Invocation& invocation) {
  auto& command = add_row_command(outbox, invocation, "list", "Rows, the oldest first");
  const auto selection = std::make_shared<OutboxSelection>();
  command
      .add_option("--state", selection->state,
                  "open (pending or refused), pending, refused, sent, discarded or all "
                  "(default: open)")
      ->check(
          CLI::IsMember({"open", "pending", "refused", "sent", "discarded", "all"}).description(""))
      ->type_name("STATE");
  command.add_option("--topic", selection->topic, "Only this topic's")->type_name("TOPIC");
  add_limit_option(command, selection->limit);
  command.callback([&invocation, selection] {
    invocation.chosen = [&invocation, selection] { return list(invocation, *selection); };
  });
}

void add_change_subcommand(CLI::App& outbox, Invocation& invocation, const std::string& name,
                           const std::string& description, Changer changer,
                           const std::string& done) {
  auto& command = add_row_command(outbox, invocation, name, description);
  const auto wanted = std::make_shared<Change>();
  command.add_option("ID", wanted->selection.ids, "The rows' ids");
  command.add_flag("--all", wanted->all, "All that are refused");
  command.add_option("--topic", wanted->selection.topic, "With --all: only this topic's")
      ->type_name("TOPIC");
  command.callback([&invocation, wanted, changer, done] {
    invocation.chosen = [&invocation, wanted, changer, done] {
      return change(invocation, *wanted, changer, done);
    };
  });
}

}  // namespace

void add_outbox(CLI::App& app, Invocation& invocation) {
  auto* outbox = app.add_subcommand("outbox", "What leaves the database: events and dead letters");
  outbox->require_subcommand(1);
  outbox->footer(kFooter);
  add_row_status(*outbox, invocation, "Rows by topic and state, and what is wrong",
                 "Exit 2 if a row is refused or cannot be sent now", status);
  add_list_subcommand(*outbox, invocation);
  add_row_show(*outbox, invocation, "Everything about one row", "The row's id", show);
  add_change_subcommand(*outbox, invocation, "retry", "Send refused rows again", &OutboxView::retry,
                        "retried");
  add_change_subcommand(*outbox, invocation, "discard",
                        "Never send rows that are refused, or by id also pending ones",
                        &OutboxView::discard, "discarded");
}

}  // namespace kinbox::cli

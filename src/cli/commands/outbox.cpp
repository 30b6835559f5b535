#include <CLI/CLI.hpp>
#include <algorithm>

#include "cli/commands/commands.hpp"
#include "cli/database.hpp"
#include "cli/outbox/outbox_view.hpp"
#include "cli/usage_error.hpp"
#include "kinbox/migrations.hpp"

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

/// A connection to a database whose outbox this binary knows.
struct Opened {
  std::unique_ptr<Database> database;
  OutboxView view;

  explicit Opened(const Config& config)
      : database(make_database_factory(config, Missing::kRefuse)()), view(*database) {
    SchemaMigrator(*database, {kinbox_component()}).require_current();
  }
};

Cell cell(const std::optional<std::string>& text) { return text ? Cell{*text} : Cell{}; }

ExitCode status(const Invocation& invocation, bool check) {
  Opened outbox(invocation.load());
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
  Opened outbox(invocation.load());
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
  if (static_cast<std::int64_t>(rows.size()) == selection.limit)
    invocation.io.err << "there may be more than these " << selection.limit << "; see --limit\n";
  return ExitCode::kOk;
}

ExitCode show(const Invocation& invocation, std::int64_t id) {
  Opened outbox(invocation.load());
  Table table{{{"name"}, {"value"}}, {}};
  for (const auto& [name, value] : outbox.view.show(id)) table.rows.push_back({name, cell(value)});
  if (table.rows.empty()) {
    invocation.io.err << "kinbox: the outbox has no row " << id
                      << "; sent rows are deleted after outbox.retention\n";
    return ExitCode::kFailed;
  }
  invocation.answer(table);
  return ExitCode::kOk;
}

struct Change {
  OutboxSelection selection;
  bool all = false;
};

using Changer = std::vector<std::int64_t> (OutboxView::*)(const OutboxSelection&);

/// What was done stands on stdout, what could not be done on stderr.
ExitCode change(const Invocation& invocation, const Change& wanted, Changer changer,
                const std::string& done) {
  const auto& ids = wanted.selection.ids;
  if (ids.empty() != wanted.all)
    throw UsageError("name the rows' ids, or --all (with --topic, if you like) for all refused");
  if (!ids.empty() && !wanted.selection.topic.empty())
    throw UsageError("--topic goes with --all, not with ids");
  Opened outbox(invocation.load());
  const auto changed = (outbox.view.*changer)(wanted.selection);
  Table table{{{done}}, {}};
  for (const auto id : changed) table.rows.push_back({id});
  invocation.answer(table);
  bool missed = false;
  for (const auto id : ids) {
    if (std::count(changed.begin(), changed.end(), id) > 0) continue;
    missed = true;
    invocation.io.err << "kinbox: row " << id << " is not " << done
                      << ": there is none, or it is in another state; see kinbox outbox show " << id
                      << '\n';
  }
  return missed ? ExitCode::kFailed : ExitCode::kOk;
}

CLI::App& add_subcommand(CLI::App& outbox, Invocation& invocation, const std::string& name,
                         const std::string& description) {
  auto* command = outbox.add_subcommand(name, description);
  add_config_option(*command, invocation);
  add_output_option(*command, invocation);
  return *command;
}

void add_status_subcommand(CLI::App& outbox, Invocation& invocation) {
  auto& command =
      add_subcommand(outbox, invocation, "status", "Rows by topic and state, and what is wrong");
  const auto check = std::make_shared<bool>(false);
  command.add_flag("--check", *check, "Exit 2 if a row is refused or cannot be sent now");
  command.callback([&invocation, check] {
    invocation.chosen = [&invocation, check] { return status(invocation, *check); };
  });
}

void add_list_subcommand(CLI::App& outbox, Invocation& invocation) {
  auto& command = add_subcommand(outbox, invocation, "list", "Rows, the oldest first");
  const auto selection = std::make_shared<OutboxSelection>();
  command
      .add_option("--state", selection->state,
                  "open (pending or refused), pending, refused, sent, discarded or all "
                  "(default: open)")
      ->check(
          CLI::IsMember({"open", "pending", "refused", "sent", "discarded", "all"}).description(""))
      ->type_name("STATE");
  command.add_option("--topic", selection->topic, "Only this topic's")->type_name("TOPIC");
  command.add_option("--limit", selection->limit, "At most so many (default: 100)")
      ->type_name("N")
      ->check(CLI::PositiveNumber);
  command.callback([&invocation, selection] {
    invocation.chosen = [&invocation, selection] { return list(invocation, *selection); };
  });
}

void add_show_subcommand(CLI::App& outbox, Invocation& invocation) {
  auto& command = add_subcommand(outbox, invocation, "show", "Everything about one row");
  const auto id = std::make_shared<std::int64_t>(0);
  command.add_option("ID", *id, "The row's id")->required();
  command.callback([&invocation, id] {
    invocation.chosen = [&invocation, id] { return show(invocation, *id); };
  });
}

void add_change_subcommand(CLI::App& outbox, Invocation& invocation, const std::string& name,
                           const std::string& description, Changer changer,
                           const std::string& done) {
  auto& command = add_subcommand(outbox, invocation, name, description);
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
  add_status_subcommand(*outbox, invocation);
  add_list_subcommand(*outbox, invocation);
  add_show_subcommand(*outbox, invocation);
  add_change_subcommand(*outbox, invocation, "retry", "Send refused rows again", &OutboxView::retry,
                        "retried");
  add_change_subcommand(*outbox, invocation, "discard",
                        "Never send rows that are refused, or by id also pending ones",
                        &OutboxView::discard, "discarded");
}

}  // namespace kinbox::cli

#include "cli/commands/row_commands.hpp"
#include "cli/mail/mail_view.hpp"
#include "cli/usage_error.hpp"

namespace kinbox::cli {
namespace {

constexpr const char* kFooter = R"(
A mail is pending until it is its turn, sending while its content may be on its way, then sent; failed
when it cannot be written or the server refuses it. It is unknown when its sender ended, or the answer
was lost, behind the content: it may have arrived. With email.on_unknown: resend it is sent again, with
the same Message-ID; with hold it waits for retry or discard.

Examples:
  kinbox mail status --check                exit 2 if a mail failed, is held, or cannot be sent now
  kinbox mail list --state failed           what was not sent, and why
  kinbox mail show 17                       one mail: recipient, payload, what the server said
  kinbox mail retry 17                      the cause is mended: send it
  kinbox mail retry --all --state unknown   send them all again, arrived or not
  kinbox mail discard 17                    never send it)";

using OpenedMail = Opened<MailView>;

/// From so many attempts on, a mail of unknown fate waits for a person.
int resends(const Config& config) {
  if (!config.email) return email::SenderOptions{}.retry.max_attempts;
  const auto& email = *config.email;
  return email.on_unknown == email::OnUnknown::kHold ? 0 : email.retry.max_attempts;
}

/// What does not fit a row, on stderr. True if mails can be sent now.
bool explain(const Invocation& invocation, std::int64_t waiting,
             const std::vector<MailSender>& senders) {
  auto& err = invocation.io.err;
  if (waiting > 0 && senders.empty())
    err << waiting << " mails wait, and nobody sends; start `kinbox run` with a section email\n";
  bool well = waiting == 0 || !senders.empty();
  for (const auto& sender : senders) {
    if (sender.trouble.empty()) continue;
    err << "a sender cannot send to " << sender.target << ": " << sender.trouble
        << "; its mails wait\n";
    well = false;
  }
  return well;
}

ExitCode status(const Invocation& invocation, bool check) {
  const auto config = invocation.load();
  OpenedMail mail(config);
  Table table{{{"type"},
               {"pending"},
               {"sending"},
               {"unknown"},
               {"failed"},
               {"sent"},
               {"discarded"},
               {"oldest_pending"},
               {"last_error"}},
              {}};
  std::int64_t waiting = 0;
  std::int64_t held = 0;
  std::int64_t failed = 0;
  for (const auto& type : mail.view.types(resends(config))) {
    waiting += type.pending + type.sending + type.unknown - type.held;
    held += type.held;
    failed += type.failed;
    table.rows.push_back({type.type, type.pending, type.sending, type.unknown, type.failed,
                          type.sent, type.discarded, cell(type.oldest_pending), type.last_error});
  }
  invocation.answer(table);
  if (held > 0)
    invocation.io.err << held
                      << " mails may have arrived or not, and wait for you; see kinbox mail "
                      << "list --state unknown, then retry or discard\n";
  const bool well = explain(invocation, waiting, mail.view.senders());
  return check && (!well || held > 0 || failed > 0) ? ExitCode::kNotClean : ExitCode::kOk;
}

ExitCode list(const Invocation& invocation, const MailSelection& selection) {
  OpenedMail mail(invocation.load());
  Table table{{{"id"},
               {"state"},
               {"type"},
               {"order_id"},
               {"recipient"},
               {"message_id", true},
               {"attempts"},
               {"created_at"},
               {"sent_at", true},
               {"last_error"}},
              {}};
  const auto rows = mail.view.list(selection);
  for (const auto& row : rows)
    table.rows.push_back({row.id, row.state, row.type, row.order_id, row.recipient, row.message_id,
                          row.attempts, row.created_at, cell(row.sent_at), row.last_error});
  invocation.answer(table);
  mention_limit(invocation, rows.size(), selection.limit);
  return ExitCode::kOk;
}

ExitCode show(const Invocation& invocation, std::int64_t id) {
  OpenedMail mail(invocation.load());
  return answer_facts(invocation, mail.view.show(id), "there is no mail " + std::to_string(id));
}

struct Change {
  MailSelection selection = {.state = ""};
  bool all = false;
};

using Changer = std::vector<std::int64_t> (MailView::*)(const MailSelection&);

ExitCode change(const Invocation& invocation, Change wanted, Changer changer,
                const std::string& done) {
  auto& selection = wanted.selection;
  if (selection.ids.empty() != wanted.all)
    throw UsageError(
        "name the mails' ids, or --all (with --state and --type, if you like) for all "
        "that failed");
  if (!selection.ids.empty() && (!selection.type.empty() || !selection.state.empty()))
    throw UsageError("--state and --type go with --all, not with ids");
  // Sending again what may have arrived takes saying so.
  if (selection.state.empty()) selection.state = "failed";
  OpenedMail mail(invocation.load());
  return answer_changes(invocation, selection.ids, (mail.view.*changer)(selection), done,
                        "kinbox mail show");
}

void add_list_command(CLI::App& mail, Invocation& invocation) {
  auto& command = add_row_command(mail, invocation, "list", "Mails, the oldest first");
  const auto selection = std::make_shared<MailSelection>();
  command
      .add_option("--state", selection->state,
                  "open (neither sent nor discarded), pending, sending, unknown, failed, sent, "
                  "discarded or all (default: open)")
      ->check(CLI::IsMember(
                  {"open", "pending", "sending", "unknown", "failed", "sent", "discarded", "all"})
                  .description(""))
      ->type_name("STATE");
  command.add_option("--type", selection->type, "Only this e-mail type's")->type_name("TYPE");
  add_limit_option(command, selection->limit);
  command.callback([&invocation, selection] {
    invocation.chosen = [&invocation, selection] { return list(invocation, *selection); };
  });
}

void add_change_command(CLI::App& mail, Invocation& invocation, const std::string& name,
                        const std::string& description, Changer changer, const std::string& done) {
  auto& command = add_row_command(mail, invocation, name, description);
  const auto wanted = std::make_shared<Change>();
  command.add_option("ID", wanted->selection.ids, "The mails' ids");
  command.add_flag("--all", wanted->all, "All that failed");
  command.add_option("--state", wanted->selection.state, "With --all: failed (default) or unknown")
      ->check(CLI::IsMember({"failed", "unknown"}).description(""))
      ->type_name("STATE");
  command.add_option("--type", wanted->selection.type, "With --all: only this e-mail type's")
      ->type_name("TYPE");
  command.callback([&invocation, wanted, changer, done] {
    invocation.chosen = [&invocation, wanted, changer, done] {
      return change(invocation, *wanted, changer, done);
    };
  });
}

}  // namespace

void add_mail(CLI::App& app, Invocation& invocation) {
  auto* mail = app.add_subcommand("mail", "E-mails that are to be sent, and what became of them");
  mail->require_subcommand(1);
  mail->footer(kFooter);
  add_row_status(*mail, invocation, "Mails by type and state, and what is wrong",
                 "Exit 2 if a mail failed, is held, or cannot be sent now", status);
  add_list_command(*mail, invocation);
  add_row_show(*mail, invocation, "Everything about one mail", "The mail's id", show);
  add_change_command(*mail, invocation, "retry",
                     "Send mails that failed, or by id also those of unknown fate",
                     &MailView::retry, "retried");
  add_change_command(*mail, invocation, "discard",
                     "Never send mails that failed, or by id also unknown and pending ones",
                     &MailView::discard, "discarded");
}

}  // namespace kinbox::cli

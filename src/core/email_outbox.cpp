#include "kinbox/email_outbox.hpp"

#include <algorithm>

#include "core/email_message_id.hpp"
#include "kinbox/email_address.hpp"
#include "kinbox/errors.hpp"
#include "kinbox/event.hpp"

namespace kinbox {
namespace {

constexpr std::size_t kMaxType = 100;

// Nothing where the row stands already: another event about the order, or a replay, mails nobody
// twice.
constexpr std::string_view kInsert =
    "INSERT INTO {kinbox}.email_outbox "
    "(order_id, email_type, revision, recipient, message_id, payload, event_id) "
    "VALUES ($1, $2, $3, $4, $5, $6, $7) "
    "ON CONFLICT (order_id, email_type, revision) DO NOTHING";

/// A template's file is called after it.
bool is_usable_type(std::string_view type) {
  constexpr std::string_view kPlain =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_";
  return !type.empty() && type.size() <= kMaxType &&
         type.find_first_not_of(kPlain) == std::string_view::npos;
}

[[noreturn]] void refuse(const std::string& what) {
  throw PermanentError("an outgoing e-mail " + what, "outgoing_email");
}

void require_usable(const OutgoingEmail& email) {
  if (!is_usable_type(email.type))
    refuse("has the type \"" + email.type + "\"; use letters, digits, '_' and '-'");
  if (email.order_id.empty()) refuse("has no order_id, which names it together with its type");
  if (email.revision < 1) refuse("has a revision below 1");
  // The address itself stays out of texts that end up in logs.
  if (!email::is_usable_address(email.recipient))
    refuse("has a recipient that is no e-mail address");
}

}  // namespace

EmailOutbox::EmailOutbox(const Dialect& dialect, std::string domain)
    : domain_(std::move(domain)), insert_(dialect.render(kInsert)) {
  require_message_id_domain(domain_);
}

void EmailOutbox::enqueue(Transaction& tx, const OutgoingEmail& email) const {
  require_usable(email);
  if (tx.handling_.silences_mail) {
    ++tx.silenced_;
    return;
  }
  const auto revision = std::max(email.revision, tx.handling_.mail_revision);
  const auto* cause = tx.handling_.event;
  tx.execute(insert_, email.order_id, email.type, revision, email.recipient,
             email_message_id(email.type, email.order_id, revision, domain_), email.payload,
             cause == nullptr ? std::string_view() : std::string_view(cause->id()));
  // Whoever waits for rows that leave the database is told as the transaction commits.
  ++tx.outbox_rows_;
}

}  // namespace kinbox

#pragma once

#include <string>

#include "kinbox/dialect.hpp"
#include "kinbox/transaction.hpp"

namespace kinbox {

/// An e-mail that is due. Subject and text follow later, from a template and the payload.
struct OutgoingEmail {
  /// Which mail it is, `order_confirmation` say; the template's name. Letters, digits, '_' and '-'.
  std::string type;
  /// What it is about, an order's id say.
  std::string order_id;
  std::string recipient;
  /// What the template may show, as JSON.
  std::string payload;
  /// Raised only for a deliberate second mail of this type about the same order. From 1.
  int revision = 1;
};

/// Where e-mails are handed over: they are rows of the transaction, and an email::EmailSender sends
/// them after it committed. At most one mail per (order_id, type, revision), however often it is
/// handed over, under a Message-ID that follows from these three.
///
/// Holds no connection; copies are cheap. Thread-compatible.
class EmailOutbox {
 public:
  /// `domain`: right side of the Message-IDs. Permanent: the same mail has the same id for ever.
  /// Throws ConfigurationError when it is no domain name.
  EmailOutbox(const Dialect& dialect, std::string domain);

  /// Writes the mail through `tx`, a handler's or one that a program began itself; nothing where it
  /// stands already. Throws PermanentError, code "outgoing_email", naming what is wrong with it.
  void enqueue(Transaction& tx, const OutgoingEmail& email) const;

 private:
  std::string domain_;
  std::string insert_;
};

}  // namespace kinbox

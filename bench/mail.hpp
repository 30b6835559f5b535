#pragma once

#include <cstdint>
#include <string>

#include "kinbox/dialect.hpp"

namespace kinbox::bench {

struct MailPlan {
  Backend backend = Backend::kPostgres;
  /// As Store has it.
  std::string location;
  /// Of an SMTP server on 127.0.0.1 that takes everything.
  std::uint16_t smtp_port = 0;
  /// Connections at a time.
  int senders = 1;
  std::int64_t mails = 5'000;
};

/// Mails per second from rows of `email_outbox` to the server, until the last row says `sent`. The
/// rows were committed before. Throws std::runtime_error when a mail is not sent after a minute
/// without progress.
double send_from_outbox(const MailPlan& plan);

/// The same number of mails, composed before, through the same transport, without a database.
double send_directly(const MailPlan& plan);

}  // namespace kinbox::bench

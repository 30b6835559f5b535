#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>

#include "kinbox/database.hpp"
#include "kinbox/email/letter.hpp"
#include "kinbox/email/templates.hpp"
#include "kinbox/email/transport.hpp"
#include "kinbox/observer.hpp"
#include "kinbox/retry_policy.hpp"

namespace kinbox::email {

/// What becomes of a mail of which nobody knows whether it arrived: the server was given all of it,
/// and its answer was lost, or we died before we wrote it down.
enum class OnUnknown {
  /// It is sent again, with the same Message-ID: at least once.
  kResend,
  /// A person decides: at most once, unless that person sends it again.
  kHold,
};

struct SenderOptions {
  Mailbox from;
  std::optional<Mailbox> reply_to = {};
  /// Mails under way at a time, each with a connection of its own to database and server.
  int threads = 1;
  /// Mails per second that this sender begins; 0: as many as the server takes.
  double rate = 0;
  /// How long the transport may take for one mail at most. A row is leased for three times as long.
  std::chrono::milliseconds delivery_timeout{70'000};
  OnUnknown on_unknown = OnUnknown::kResend;
  /// For mails that the server does not want now, and those that are sent again because nobody
  /// knows. After `max_attempts` the former fail, and the latter are held.
  RetryPolicy retry{.max_attempts = 20,
                    .first_delay = std::chrono::minutes{1},
                    .max_delay = std::chrono::hours{1}};
  /// How often it looks for mails when nobody says that there are any.
  std::chrono::milliseconds idle_poll{1'000};
  /// Where mails go, for people: `smtp://mail.example.com:587`.
  std::string target = {};
};

/// One for each thread that sends.
using TransportFactory = std::function<std::unique_ptr<Transport>()>;

/// Sends the rows of `email_outbox`. Any number of senders may run in any number of processes.
///
/// A row is taken under a lease, on the database's clock. Right before its content goes the lease
/// is looked at again, and the row becomes `sending`, in one compare-and-swap that is committed
/// first; what became of the mail is written by compare-and-swap on the lease's token. So a row
/// that is not `sending` has not been handed over, and one whose sender vanished while it was
/// becomes `unknown`.
///
/// A mail that cannot be written, or that the server refuses, fails with the reason, and the next
/// one goes on. If the server is away, or refuses the login, no mail is charged for it: the sender
/// waits, longer each time up to half a minute.
class EmailSender {
 public:
  /// Throws ConfigurationError for options that cannot work.
  EmailSender(DatabaseFactory databases, TransportFactory transports, Templates templates,
              SenderOptions options, Observer& observer);
  ~EmailSender();

  /// Sends what is due, on this thread, until nothing is or the server is away. Returns how many
  /// mails were settled: sent, failed, put off or of unknown fate. Throws InfrastructureError when
  /// the database is away.
  std::size_t run_once();

  /// Sends on `threads` threads until `stop`. Then a mail whose content is under way is finished,
  /// any other given back, which takes one delivery_timeout at most. Outages of database and server
  /// are waited out. Looks at once when `wake` is called or, on PostgreSQL, a transaction that
  /// handed mails over commits; at every idle_poll anyway. While it runs, a row of `email_senders`
  /// says so, and what keeps it from sending.
  void run(std::stop_token stop);

  /// There are mails: whoever handed some over in this process may say so after COMMIT. From any
  /// thread.
  void wake() noexcept;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace kinbox::email

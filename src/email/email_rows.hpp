#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "kinbox/dialect.hpp"
#include "kinbox/transaction.hpp"

namespace kinbox::email {

/// A row under our lease.
struct ClaimedMail {
  std::int64_t id = 0;
  /// Of this lease, never used twice: whoever else changes the row takes it away.
  std::string token;
  /// "pending" or "unknown".
  std::string state;
  std::string type;
  std::string recipient;
  std::string message_id;
  std::string payload;
  /// Before this one.
  int attempts = 0;
  std::chrono::system_clock::time_point created_at;
};

/// What became of a mail.
struct Settlement {
  std::string state;
  int attempts = 0;
  /// Before it is looked at again.
  std::chrono::milliseconds delay{0};
  std::string provider_reply = {};
  std::string last_error = {};
};

/// The tables behind the sender. Writes inside the caller's transaction, on the database's clock.
class EmailRows {
 public:
  explicit EmailRows(const Dialect& dialect);

  /// Leases the mail that is due longest and that nobody else holds. One of unknown fate only while
  /// it had fewer than `resends` attempts.
  std::optional<ClaimedMail> claim(OpenTransaction& tx, std::chrono::milliseconds lease,
                                   int resends) const;

  /// The last moment to turn back: the mail is `sending` from here on, under a lease that begins
  /// anew. False if the lease is over or the row was taken away.
  bool begin_content(OpenTransaction& tx, const ClaimedMail& mail,
                     std::chrono::milliseconds lease) const;

  /// False if the row was taken away. Saying the same twice is as good as once.
  bool settle(OpenTransaction& tx, const ClaimedMail& mail, const Settlement& settlement) const;

  struct Vanished {
    std::int64_t id = 0;
    std::string message_id;
    int attempts = 0;
  };
  /// Mails whose sender let its lease run out while it may have handed them over; they are of
  /// unknown fate from here on. The token stays: should the sender come back and know, it may say
  /// so as long as nobody else took the row.
  std::vector<Vanished> give_up_vanished(OpenTransaction& tx, std::string_view why) const;

  /// Says for `duration` that `sender` is at work, and what keeps it from sending, if anything.
  void present(OpenTransaction& tx, std::string_view sender, std::string_view target,
               std::string_view trouble, std::chrono::milliseconds duration) const;
  void leave(OpenTransaction& tx, std::string_view sender) const;

 private:
  std::string claim_;
  std::string begin_content_;
  std::string settle_;
  std::string vanished_;
  std::string present_;
  std::string forget_;
  std::string leave_;
};

}  // namespace kinbox::email

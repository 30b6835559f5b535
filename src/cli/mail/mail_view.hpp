#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "kinbox/database.hpp"

namespace kinbox::cli {

/// What `email_outbox` holds of one e-mail type.
struct MailType {
  std::string type;
  std::int64_t pending = 0;
  std::int64_t sending = 0;
  std::int64_t unknown = 0;
  std::int64_t failed = 0;
  std::int64_t sent = 0;
  std::int64_t discarded = 0;
  /// Of those of unknown fate: how many wait for a person.
  std::int64_t held = 0;
  std::optional<std::string> oldest_pending = {};
  /// What a sender met last with mails that are not sent.
  std::string last_error = {};
};

/// A process that sends.
struct MailSender {
  std::string target;
  /// What keeps it from sending; empty if nothing does.
  std::string trouble;
};

struct MailRow {
  std::int64_t id = 0;
  std::string state;
  std::string type;
  std::string order_id;
  std::string recipient;
  std::string message_id;
  std::int64_t attempts = 0;
  std::string created_at;
  std::optional<std::string> sent_at;
  std::string last_error;
};

/// Which mails a command is about.
struct MailSelection {
  /// Empty: all of the state.
  std::vector<std::int64_t> ids = {};
  /// "open" is any that is neither sent nor discarded, "all" is any.
  std::string state = "open";
  std::string type = {};
  std::int64_t limit = 100;
};

/// The tables of e-mails, for commands. Each call is a transaction of its own; what cannot be
/// carried out throws InfrastructureError.
class MailView {
 public:
  explicit MailView(Database& database) : database_(database) {}

  /// `resends`: from so many attempts on, a mail of unknown fate is held.
  std::vector<MailType> types(int resends);
  std::vector<MailSender> senders();
  /// The oldest first.
  std::vector<MailRow> list(const MailSelection& selection);
  /// Everything there is to say of a mail, by name; nothing if there is no such mail.
  std::vector<std::pair<std::string, std::optional<std::string>>> show(std::int64_t id);

  /// Mails that failed or are of unknown fate are due again, as if nobody had tried; returns the
  /// ids of those that are.
  std::vector<std::int64_t> retry(const MailSelection& selection);
  /// Mails that will not be sent any more; returns their ids. Pending ones only by their ids.
  std::vector<std::int64_t> discard(const MailSelection& selection);

 private:
  std::vector<std::int64_t> change(const MailSelection& selection, const char* to,
                                   const char* also_by_id);

  Database& database_;
};

}  // namespace kinbox::cli

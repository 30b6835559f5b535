#pragma once

#include <chrono>
#include <mutex>
#include <string>

#include "email/email_rows.hpp"

namespace kinbox::email {

/// What one sender tells everybody who looks at the database: that it is at work, and what keeps it
/// from sending. Thread-safe.
class Presence {
 public:
  /// `busy`: for how long no thread of the sender may come by.
  Presence(std::string target, std::chrono::milliseconds busy);

  /// What keeps it from sending; empty if nothing does. True if that is news.
  bool set_trouble(const std::string& trouble);

  /// From now on it is at work, until it leaves.
  void arrive();
  /// Writes it into `tx` when it is time to.
  void tell(OpenTransaction& tx, const EmailRows& rows);
  void leave(OpenTransaction& tx, const EmailRows& rows);

 private:
  using Clock = std::chrono::steady_clock;

  const std::string name_;
  const std::string target_;
  const std::chrono::milliseconds valid_for_;
  std::mutex mutex_;
  bool here_ = false;
  std::string trouble_;
  Clock::time_point tell_at_{};
};

}  // namespace kinbox::email

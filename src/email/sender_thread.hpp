#pragma once

#include <condition_variable>
#include <memory>
#include <mutex>
#include <optional>
#include <random>
#include <stop_token>

#include "core/waker.hpp"
#include "email/email_rows.hpp"
#include "email/pace.hpp"
#include "email/presence.hpp"
#include "kinbox/email/sender.hpp"

namespace kinbox::email {

/// What the threads of one sender share.
struct SenderCommon {
  SenderCommon(Templates files, SenderOptions settings, Observer& listener);

  const Templates templates;
  const SenderOptions options;
  Observer& observer;
  Pace pace;
  Presence presence;
};

/// One thread of a sender: a connection to the database, one to the server, one mail at a time.
class SenderThread {
 public:
  SenderThread(SenderCommon& common, std::unique_ptr<Database> database,
               std::unique_ptr<Transport> transport);

  enum class Turn {
    /// No mail is due.
    kNothing,
    /// A mail was sent, put off, failed, or is of unknown fate.
    kSettled,
    /// Nothing became of it: the server is away, or we end.
    kGivenBack,
  };

  /// Takes the next mail and settles it; before that, what an outage kept from being written.
  /// Throws InfrastructureError when the database is away.
  Turn send_one(const std::stop_token& stop);

  void run(const std::stop_token& stop);
  void wake() noexcept { waker_.wake(); }
  /// The sender ends as a whole.
  void say_goodbye() noexcept;

 private:
  using Clock = std::chrono::steady_clock;

  std::optional<ClaimedMail> claim();
  Settlement settle(const ClaimedMail& mail, const std::stop_token& stop);
  std::string write_letter(const ClaimedMail& mail) const;
  Delivery deliver(const ClaimedMail& mail, const Parcel& parcel, const std::stop_token& stop);
  bool begin_content(const ClaimedMail& mail);
  void write_down();
  void report(const Settlement& settlement, bool ours);
  std::chrono::milliseconds server_is_away(const std::string& why, Clock::time_point set_out);
  void server_answered();

  bool await_turn(const std::stop_token& stop);
  void rest();
  void wait(const std::stop_token& stop, std::chrono::milliseconds duration);
  std::chrono::milliseconds lease() const;
  int resends() const;

  /// A mail in hand, and what is to be written about it.
  struct InHand {
    ClaimedMail mail;
    Settlement settlement;
    /// Its content may have gone.
    bool risked = false;
  };

  SenderCommon& common_;
  std::unique_ptr<Database> database_;
  std::unique_ptr<Transport> transport_;
  EmailRows rows_;
  std::optional<InHand> unwritten_;
  Waker waker_;
  std::mutex mutex_;
  std::condition_variable_any stopped_;
  std::mt19937_64 random_{std::random_device{}()};
  std::uniform_real_distribution<double> uniform_{0.0, 1.0};
};

}  // namespace kinbox::email

#include "email/sender_thread.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

#include "core/own_statements.hpp"
#include "email/verdict.hpp"
#include "kinbox/errors.hpp"

namespace kinbox::email {
namespace {

using std::chrono::milliseconds;

constexpr RetryPolicy kDatabaseBackoff{
    .max_attempts = 0, .first_delay = milliseconds{500}, .max_delay = milliseconds{30'000}};
/// A pause may end earlier than it was meant to.
constexpr milliseconds kTick{1'000};
constexpr const char* kVanished =
    "its sender ended, or lost its lease, while it handed the mail over";

/// How long a thread may be with one mail, or wait for its turn.
milliseconds busy_for(const SenderOptions& options) {
  const auto turns = options.rate > 0 ? options.threads / options.rate : 0;
  return options.delivery_timeout +
         std::chrono::ceil<milliseconds>(std::chrono::duration<double>(turns));
}

}  // namespace

SenderCommon::SenderCommon(Templates files, SenderOptions settings, Observer& listener)
    : templates(std::move(files)),
      options(std::move(settings)),
      observer(listener),
      pace(options.rate),
      presence(options.target, busy_for(options)) {}

SenderThread::SenderThread(SenderCommon& common, std::unique_ptr<Database> database,
                           std::unique_ptr<Transport> transport)
    : common_(common),
      database_(std::move(database)),
      transport_(std::move(transport)),
      rows_(database_->dialect()) {}

SenderThread::Turn SenderThread::send_one(const std::stop_token& stop) {
  write_down();
  const auto mail = claim();
  if (!mail) return Turn::kNothing;
  // If the database goes away before the content may go, it is given back when it is there again.
  unwritten_ = InHand{*mail, given_back(*mail)};
  unwritten_->settlement = settle(*mail, stop);
  const bool settled = unwritten_->settlement.state != mail->state ||
                       unwritten_->settlement.attempts != mail->attempts;
  write_down();
  return settled ? Turn::kSettled : Turn::kGivenBack;
}

std::optional<ClaimedMail> SenderThread::claim() {
  std::vector<EmailRows::Vanished> vanished;
  std::optional<ClaimedMail> mail;
  own_transaction(*database_, "take a mail", [&](OpenTransaction& tx) {
    common_.presence.tell(tx, rows_);
    vanished = rows_.give_up_vanished(tx, kVanished);
    mail = rows_.claim(tx, lease(), resends());
  });
  for (const auto& [id, message_id, attempts] : vanished)
    common_.observer.on_notice(
        notice::MailUnknown{{id, message_id}, kVanished, is_held(common_.options, attempts)});
  return mail;
}

Settlement SenderThread::settle(const ClaimedMail& mail, const std::stop_token& stop) {
  std::string message;
  try {
    message = write_letter(mail);
  } catch (const LetterError& e) {
    return failed(mail, e.code() + ": " + e.what());
  }
  const Parcel parcel{.from = common_.options.from.address,
                      .to = mail.recipient,
                      .message = std::move(message),
                      .id = mail.message_id};
  const auto set_out = Clock::now();
  const auto delivery = deliver(mail, parcel, stop);
  milliseconds pause{0};
  if (delivery.outcome == Outcome::kUnavailable)
    pause = server_is_away(delivery.reply, set_out);
  else if (delivery.outcome != Outcome::kGivenUp && delivery.outcome != Outcome::kUnknown)
    server_answered();
  return verdict(mail, delivery, common_.options, uniform_(random_), pause);
}

std::string SenderThread::write_letter(const ClaimedMail& mail) const {
  auto content = common_.templates.render(mail.type, mail.payload);
  return compose({.from = common_.options.from,
                  .reply_to = common_.options.reply_to,
                  .to = {.address = mail.recipient},
                  .subject = std::move(content.subject),
                  .text = std::move(content.text),
                  .html = std::move(content.html),
                  .message_id = mail.message_id,
                  .date = mail.created_at});
}

Delivery SenderThread::deliver(const ClaimedMail& mail, const Parcel& parcel,
                               const std::stop_token& stop) {
  return transport_->deliver(parcel, [&] {
    if (stop.stop_requested()) return false;
    return begin_content(mail);
  });
}

bool SenderThread::begin_content(const ClaimedMail& mail) {
  bool may_send = false;
  own_transaction(*database_, "begin to send a mail",
                  [&](OpenTransaction& tx) { may_send = rows_.begin_content(tx, mail, lease()); });
  if (may_send) {
    unwritten_->risked = true;
    // Whatever happens from here on, unless we get to know better.
    unwritten_->settlement =
        verdict(mail, {Outcome::kUnknown, kVanished}, common_.options, uniform_(random_), {});
  }
  return may_send;
}

void SenderThread::write_down() {
  if (!unwritten_) return;
  bool ours = false;
  own_transaction(*database_, "settle a mail", [&](OpenTransaction& tx) {
    common_.presence.tell(tx, rows_);
    ours = rows_.settle(tx, unwritten_->mail, unwritten_->settlement);
  });
  report(unwritten_->settlement, ours);
  unwritten_.reset();
}

void SenderThread::report(const Settlement& settlement, bool ours) {
  const auto& mail = unwritten_->mail;
  const notice::Mail name{mail.id, mail.message_id};
  auto& observer = common_.observer;
  const auto why = without_recipient(settlement.last_error, mail.recipient);
  if (!ours) {
    // A person or another sender has taken the row away. What they do with it is theirs; what we
    // know is that this copy may have gone.
    if (unwritten_->risked && settlement.state != mail.state && settlement.state != "failed")
      observer.on_notice(notice::MailUnknown{
          name, "the lease was over before the server's answer was written down", false});
  } else if (settlement.state == "sent") {
    observer.on_notice(notice::MailSent{name});
  } else if (settlement.state == "failed") {
    observer.on_notice(notice::MailFailed{name, why});
  } else if (settlement.state == "unknown" && settlement.attempts != mail.attempts) {
    observer.on_notice(
        notice::MailUnknown{name, why, is_held(common_.options, settlement.attempts)});
  } else if (settlement.attempts != mail.attempts) {
    observer.on_notice(notice::MailDeferred{name, why, settlement.delay});
  }
}

milliseconds SenderThread::server_is_away(const std::string& why, Clock::time_point set_out) {
  const auto pause = common_.pace.pause(set_out, uniform_(random_));
  common_.presence.set_trouble(why);
  common_.observer.on_notice(
      notice::Unavailable{"mail to " + common_.options.target + ": " + why, pause});
  return pause;
}

void SenderThread::server_answered() {
  common_.pace.go_on();
  if (common_.presence.set_trouble(""))
    common_.observer.on_notice(notice::Available{common_.options.target});
}

void SenderThread::run(const std::stop_token& stop) {
  const std::stop_callback interrupts(stop, [this] { waker_.wake(); });
  int failures = 0;
  while (!stop.stop_requested()) {
    try {
      if (!await_turn(stop)) break;
      if (send_one(stop) == Turn::kNothing) {
        common_.pace.give_turn_back();
        rest();
      }
      failures = 0;
    } catch (const InfrastructureError& e) {
      const auto pause = backoff(kDatabaseBackoff, ++failures, uniform_(random_));
      common_.observer.on_notice(notice::Unavailable{e.what(), pause});
      wait(stop, pause);
    }
  }
  try {
    write_down();
  } catch (const InfrastructureError&) {
    // Its lease ends, and then another sender finds it.
  }
}

void SenderThread::say_goodbye() noexcept {
  try {
    own_transaction(*database_, "end a sender",
                    [&](OpenTransaction& tx) { common_.presence.leave(tx, rows_); });
  } catch (const Error&) {
    // Nobody believes for long that it is here.
  }
}

/// False if the sender is to end.
bool SenderThread::await_turn(const std::stop_token& stop) {
  const auto turn = common_.pace.take_turn();
  while (!stop.stop_requested()) {
    const auto until = std::max(turn, common_.pace.paused_until());
    const auto now = Clock::now();
    if (until <= now) return true;
    wait(stop, std::min(kTick, std::chrono::ceil<milliseconds>(until - now)));
  }
  return false;
}

/// Until somebody hands a mail over, as far as we are told, or the poll is due.
void SenderThread::rest() {
  database_->wait_for_outbox(waker_.fd(), common_.options.idle_poll);
  waker_.rest();
}

void SenderThread::wait(const std::stop_token& stop, milliseconds duration) {
  std::unique_lock lock(mutex_);
  stopped_.wait_for(lock, stop, duration, [] { return false; });
}

milliseconds SenderThread::lease() const { return 3 * common_.options.delivery_timeout; }

int SenderThread::resends() const {
  return common_.options.on_unknown == OnUnknown::kHold ? 0 : common_.options.retry.max_attempts;
}

}  // namespace kinbox::email

#include "mail.hpp"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <stdexcept>
#include <thread>
#include <vector>

#include "handlers/email_confirmation/templates.hpp"
#include "kinbox/email/sender.hpp"
#include "kinbox/email/smtp.hpp"
#include "kinbox/email_outbox.hpp"
#include "store.hpp"

namespace kinbox::bench {
namespace {

using Clock = std::chrono::steady_clock;
using email::Mailbox;
using email::Templates;

constexpr std::int64_t kRowsPerTransaction = 500;
constexpr std::chrono::milliseconds kLook{20};
constexpr std::chrono::seconds kPatience{60};
constexpr const char* kType = "order_confirmation";
constexpr const char* kPayload = R"({"orderId":"o-1","totalAmount":129.90})";
constexpr const char* kOpen = "SELECT count(*) FROM {kinbox}.email_outbox WHERE state <> 'sent'";

email::SmtpSettings smtp(const MailPlan& plan) {
  return {.host = "127.0.0.1", .port = plan.smtp_port, .security = email::Security::kNone};
}

Mailbox shop() { return {.name = "The Shop", .address = "shop@example.com"}; }

void hand_over(const MailPlan& plan, Database& database) {
  const EmailOutbox outbox(database.dialect(), "example.com");
  for (std::int64_t n = 0; n < plan.mails;) {
    const auto tx = database.begin();
    for (const auto end = std::min(plan.mails, n + kRowsPerTransaction); n < end; ++n)
      outbox.enqueue(*tx, {.type = kType,
                           .order_id = "o-" + std::to_string(n),
                           .recipient = "zoe@example.org",
                           .payload = kPayload});
    tx->commit();
  }
}

void wait_until_sent(Database& database) {
  const auto open = database.dialect().render(kOpen);
  auto progress = Clock::now();
  for (std::int64_t left = -1; left != 0;) {
    const auto now_left = database.begin()->query(open)[0].get<std::int64_t>(0);
    if (now_left != left) progress = Clock::now();
    if (Clock::now() - progress > kPatience)
      throw std::runtime_error(std::to_string(now_left) + " mails are not sent");
    left = now_left;
    if (left != 0) std::this_thread::sleep_for(kLook);
  }
}

double rate(const MailPlan& plan, Clock::time_point start) {
  return static_cast<double>(plan.mails) /
         std::chrono::duration<double>(Clock::now() - start).count();
}

email::Parcel parcel() {
  const auto content = Templates(handlers::email_confirmation_templates()).render(kType, kPayload);
  const email::Letter letter{.from = shop(),
                             .to = {.address = "zoe@example.org"},
                             .subject = content.subject,
                             .text = content.text,
                             .html = content.html,
                             .message_id = "<order_confirmation.o-1.1@example.com>",
                             .date = std::chrono::system_clock::now()};
  return {.from = letter.from.address,
          .to = letter.to.address,
          .message = compose(letter),
          .id = letter.message_id};
}

}  // namespace

double send_from_outbox(const MailPlan& plan) {
  const Store store(plan.backend, plan.location);
  const auto database = store.factory()();
  hand_over(plan, *database);
  store.settle();
  Observer observer;
  email::EmailSender sender(
      store.factory(), [&] { return email::make_smtp(smtp(plan)); },
      Templates(handlers::email_confirmation_templates()),
      {.from = shop(), .threads = plan.senders}, observer);
  const auto start = Clock::now();
  const std::jthread thread([&](const std::stop_token& stop) { sender.run(stop); });
  wait_until_sent(*database);
  return rate(plan, start);
}

double send_directly(const MailPlan& plan) {
  const auto mail = parcel();
  std::atomic<std::int64_t> next = 0;
  std::atomic<std::int64_t> failed = 0;
  const auto start = Clock::now();
  {
    std::vector<std::jthread> threads;
    for (int i = 0; i < plan.senders; ++i)
      threads.emplace_back([&] {
        const auto transport = email::make_smtp(smtp(plan));
        while (next++ < plan.mails)
          if (transport->deliver(mail, [] { return true; }).outcome != email::Outcome::kAccepted)
            ++failed;
      });
  }
  if (failed != 0) throw std::runtime_error(std::to_string(failed) + " mails were not accepted");
  return rate(plan, start);
}

}  // namespace kinbox::bench

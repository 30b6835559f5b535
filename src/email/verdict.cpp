#include "email/verdict.hpp"

#include <utility>

namespace kinbox::email {
namespace {

constexpr const char* kRecipient = "(the recipient)";

Settlement deferred(const ClaimedMail& mail, const Delivery& delivery, const SenderOptions& options,
                    double random) {
  const auto attempts = mail.attempts + 1;
  if (attempts >= options.retry.max_attempts)
    return {.state = "failed",
            .attempts = attempts,
            .provider_reply = delivery.reply,
            .last_error =
                "given up after " + std::to_string(attempts) + " attempts: " + delivery.reply};
  return {.state = "pending",
          .attempts = attempts,
          .delay = backoff(options.retry, attempts, random),
          .provider_reply = delivery.reply,
          .last_error = delivery.reply};
}

}  // namespace

bool is_held(const SenderOptions& options, int attempts) {
  return options.on_unknown == OnUnknown::kHold || attempts >= options.retry.max_attempts;
}

Settlement verdict(const ClaimedMail& mail, const Delivery& delivery, const SenderOptions& options,
                   double random, std::chrono::milliseconds pause) {
  const auto attempts = mail.attempts + 1;
  switch (delivery.outcome) {
    case Outcome::kAccepted:
      return {.state = "sent", .attempts = attempts, .provider_reply = delivery.reply};
    case Outcome::kDeferred:
      return deferred(mail, delivery, options, random);
    case Outcome::kRefused:
      return {.state = "failed",
              .attempts = attempts,
              .provider_reply = delivery.reply,
              .last_error = delivery.reply};
    case Outcome::kUnknown:
      return {.state = "unknown",
              .attempts = attempts,
              .delay = backoff(options.retry, attempts, random),
              .last_error = delivery.reply};
    case Outcome::kUnavailable:
      // Not the first in the queue next time: should the mail be what the server stumbles over
      // after all, the others get their turn.
      return given_back(mail, delivery.reply, pause);
    case Outcome::kGivenUp:
      break;
  }
  return given_back(mail);
}

Settlement given_back(const ClaimedMail& mail, std::string why, std::chrono::milliseconds delay) {
  return {
      .state = mail.state, .attempts = mail.attempts, .delay = delay, .last_error = std::move(why)};
}

Settlement failed(const ClaimedMail& mail, std::string why) {
  return {.state = "failed", .attempts = mail.attempts, .last_error = std::move(why)};
}

std::string without_recipient(std::string reply, const std::string& recipient) {
  for (auto at = reply.find(recipient); !recipient.empty() && at != reply.npos;
       at = reply.find(recipient, at))
    reply.replace(at, recipient.size(), kRecipient);
  return reply;
}

}  // namespace kinbox::email

#include "email/smtp_conversation.hpp"

#include <algorithm>
#include <charconv>

namespace kinbox::email {
namespace {

constexpr std::size_t kCodeSize = 3;

// RFC 5321, 3.8: the server closes, whatever the command was.
constexpr int kClosing = 421;
// RFC 4954, 6: log in first.
constexpr int kLoginRequired = 530;

std::string_view without_line_end(std::string_view line) {
  return line.substr(0, line.find_last_not_of("\r\n") + 1);
}

}  // namespace

void SmtpConversation::sent(std::string_view command) {
  if (command.starts_with("QUIT")) {
    // At the start it is an old connection that is being closed.
    over_ = over_ || stage_ != Stage::kConnection;
    return;
  }
  reply_.clear();
  if (command.starts_with("MAIL")) stage_ = Stage::kSender;
  if (command.starts_with("RCPT")) stage_ = Stage::kRecipient;
  if (command.starts_with("DATA")) stage_ = Stage::kData;
}

void SmtpConversation::received(std::string_view line) {
  if (over_) return;
  line = without_line_end(line);
  if (reply_complete_) reply_.clear();
  reply_complete_ = line.size() <= kCodeSize || line[kCodeSize] != '-';
  // Of an answer with several lines the code is needed once.
  if (reply_.empty()) reply_.append(line.substr(0, kCodeSize));
  reply_.append(" ").append(line.substr(std::min(line.size(), kCodeSize + 1)));
}

void SmtpConversation::content_begins() {
  stage_ = Stage::kContent;
  reply_.clear();
}

void SmtpConversation::content_ends() { stage_ = Stage::kHandedOver; }

int SmtpConversation::code() const {
  int code = 0;
  std::from_chars(reply_.data(), reply_.data() + std::min(reply_.size(), kCodeSize), code);
  return code;
}

Delivery SmtpConversation::outcome(const std::string& trouble) const {
  if (stage_ == Stage::kHandedOver && code() / 100 == 2) return {Outcome::kAccepted, reply_};
  if (code() >= 400 && code() < 600 && stage_ != Stage::kConnection) return answered();
  if (stage_ == Stage::kHandedOver)
    return {Outcome::kUnknown, "the mail was handed over, and its answer is missing: " + trouble};
  // Not the server's fault for sure: it may be this mail that makes it hang up.
  if (stage_ == Stage::kContent)
    return {Outcome::kDeferred, "the connection ended within the mail: " + trouble};
  return {Outcome::kUnavailable, trouble};
}

Delivery SmtpConversation::answered() const {
  if (code() == kClosing) return {Outcome::kUnavailable, "the server closes: " + reply_};
  if (code() == kLoginRequired)
    return {Outcome::kUnavailable,
            "the server wants a login; look at user and password: " + reply_};
  // The same for every mail.
  if (stage_ == Stage::kSender)
    return {Outcome::kUnavailable, "the server refuses the sender; look at its address: " + reply_};
  return {code() < 500 ? Outcome::kDeferred : Outcome::kRefused, reply_};
}

}  // namespace kinbox::email

#pragma once

#include <string>
#include <string_view>

#include "kinbox/email/transport.hpp"

namespace kinbox::email {

/// What one delivery has said to a server and heard from it, as far as the mail's fate depends on
/// it. libcurl's own error tells neither whether the mail was handed over nor what the server said.
class SmtpConversation {
 public:
  /// A command as it was sent.
  void sent(std::string_view command);
  /// A line of an answer.
  void received(std::string_view line);
  /// The server waits for the content.
  void content_begins();
  /// All of it was taken: the final dot may follow at any moment.
  void content_ends();

  /// Whether the server was ready for a mail.
  bool mail_began() const { return stage_ > Stage::kConnection; }
  bool content_began() const { return stage_ >= Stage::kContent; }
  /// The answer to the last command, without line ends; empty if there is none yet.
  const std::string& reply() const { return reply_; }
  /// Its code; 0 if there is none yet.
  int code() const;

  /// What became of the mail once the connection says no more. `trouble`: why it does not, and what
  /// to look at.
  Delivery outcome(const std::string& trouble) const;

 private:
  enum class Stage { kConnection, kSender, kRecipient, kData, kContent, kHandedOver };

  Delivery answered() const;

  Stage stage_ = Stage::kConnection;
  std::string reply_;
  bool reply_complete_ = false;
  /// QUIT was said; its answer must not hide the one that matters.
  bool over_ = false;
};

}  // namespace kinbox::email

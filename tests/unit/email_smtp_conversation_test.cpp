// What becomes of a mail, by what was said and heard.
#include <gmock/gmock.h>

#include "email/smtp_conversation.hpp"

namespace kinbox::email {
namespace {

using ::testing::HasSubstr;

/// A conversation up to the answer to DATA.
SmtpConversation up_to_data() {
  SmtpConversation conversation;
  conversation.received("220 hello\r\n");
  conversation.sent("EHLO me\r\n");
  conversation.received("250-test\r\n");
  conversation.received("250 HELP\r\n");
  conversation.sent("MAIL FROM:<a@b>\r\n");
  conversation.received("250 go on\r\n");
  conversation.sent("RCPT TO:<c@d>\r\n");
  conversation.received("250 go on\r\n");
  conversation.sent("DATA\r\n");
  conversation.received("354 go on\r\n");
  return conversation;
}

TEST(SmtpConversation, AnAnswerMayHaveSeveralLines) {
  SmtpConversation conversation;
  conversation.received("550-no\r\n");
  conversation.received("550-such\r\n");
  conversation.received("550 user\r\n");
  EXPECT_EQ(conversation.reply(), "550 no such user");
  EXPECT_EQ(conversation.code(), 550);
  conversation.received("421 closing\r\n");
  EXPECT_EQ(conversation.reply(), "421 closing");
}

TEST(SmtpConversation, ACommandsAnswerIsItsOwn) {
  SmtpConversation conversation;
  conversation.received("250 go on\r\n");
  conversation.sent("RCPT TO:<c@d>\r\n");
  EXPECT_EQ(conversation.reply(), "");
  EXPECT_EQ(conversation.code(), 0);
}

TEST(SmtpConversation, OddAnswersAreNoCodes) {
  for (const char* line : {"", "\r\n", "2", "25", "hello", "-50 x"}) {
    auto conversation = up_to_data();
    conversation.content_begins();
    conversation.content_ends();
    conversation.received(line);
    EXPECT_EQ(conversation.outcome("odd").outcome, Outcome::kUnknown) << line;
  }
}

TEST(SmtpConversation, AnAnswerWithoutAMeaningLeavesTheMailUnknown) {
  for (const char* line : {"354 more", "150 soon", "600 what"}) {
    auto conversation = up_to_data();
    conversation.content_begins();
    conversation.content_ends();
    conversation.received(line);
    EXPECT_EQ(conversation.outcome("odd").outcome, Outcome::kUnknown) << line;
  }
}

TEST(SmtpConversation, AnEarlyYesIsNone) {
  auto conversation = up_to_data();
  conversation.content_begins();
  conversation.received("250 taken\r\n");
  EXPECT_EQ(conversation.outcome("lost").outcome, Outcome::kDeferred);
}

TEST(SmtpConversation, AnEarlyNoCounts) {
  auto conversation = up_to_data();
  conversation.content_begins();
  conversation.received("552 too large\r\n");
  const auto delivery = conversation.outcome("lost");
  EXPECT_EQ(delivery.outcome, Outcome::kRefused);
  EXPECT_EQ(delivery.reply, "552 too large");
}

TEST(SmtpConversation, GoodbyeHidesNothing) {
  SmtpConversation conversation;
  conversation.sent("QUIT\r\n");  // to an old connection
  conversation.sent("MAIL FROM:<a@b>\r\n");
  conversation.received("250 go on\r\n");
  conversation.sent("RCPT TO:<c@d>\r\n");
  conversation.received("550 no\r\n");
  conversation.sent("QUIT\r\n");
  conversation.received("221 bye\r\n");
  EXPECT_EQ(conversation.outcome("").reply, "550 no");
}

TEST(SmtpConversation, WithoutAnAnswerItIsTheConnectionsTrouble) {
  SmtpConversation conversation;
  EXPECT_EQ(conversation.outcome("away").outcome, Outcome::kUnavailable);
  EXPECT_EQ(conversation.outcome("away").reply, "away");
  conversation = up_to_data();
  EXPECT_EQ(conversation.outcome("away").outcome, Outcome::kUnavailable);
  conversation.content_begins();
  EXPECT_EQ(conversation.outcome("away").outcome, Outcome::kDeferred);
  conversation.content_ends();
  EXPECT_EQ(conversation.outcome("away").outcome, Outcome::kUnknown);
  EXPECT_THAT(conversation.outcome("away").reply, HasSubstr("away"));
}

}  // namespace
}  // namespace kinbox::email

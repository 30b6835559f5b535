#include "kinbox/email_outbox.hpp"

#include <gmock/gmock.h>

#include "kinbox/errors.hpp"
#include "support/test_database.hpp"

namespace kinbox::testing {
namespace {

using ::testing::HasSubstr;

const OutgoingEmail kMail{.type = "order_confirmation",
                          .order_id = "o-1",
                          .recipient = "zoe@example.com",
                          .payload = R"({"orderNumber": "7"})"};

class EmailOutboxContract : public DatabaseContract {
 protected:
  void enqueue(const OutgoingEmail& email) {
    const auto tx = database().begin();
    EmailOutbox(database().dialect(), "shop.example").enqueue(*tx, email);
    EXPECT_EQ(tx->outbox_rows(), 1U) << "senders are woken by it";
    tx->commit();
  }

  std::string refusal(const OutgoingEmail& email) {
    try {
      enqueue(email);
    } catch (const PermanentError& e) {
      EXPECT_EQ(e.code(), "outgoing_email");
      return e.what();
    }
    return "(accepted)";
  }

  std::int64_t mails() { return number("SELECT count(*) FROM {kinbox}.email_outbox"); }
};
KINBOX_FOR_ALL_DATABASES(EmailOutboxContract);

TEST_P(EmailOutboxContract, ProgramsMayMailTooAndOnce) {
  enqueue(kMail);
  enqueue(kMail);
  EXPECT_EQ(mails(), 1);
  EXPECT_EQ(number("SELECT count(*) FROM {kinbox}.email_outbox WHERE state = 'pending' AND "
                   "message_id = '<order_confirmation.o-1.1@shop.example>' AND event_id = ''"),
            1);
}

TEST_P(EmailOutboxContract, ARaisedRevisionIsAnotherMailOnPurpose) {
  enqueue(kMail);
  auto again = kMail;
  again.revision = 2;
  enqueue(again);
  EXPECT_EQ(mails(), 2);
}

TEST_P(EmailOutboxContract, ARolledBackMailIsNone) {
  {
    const auto tx = database().begin();
    EmailOutbox(database().dialect(), "shop.example").enqueue(*tx, kMail);
  }
  EXPECT_EQ(mails(), 0);
}

TEST_P(EmailOutboxContract, RefusesWhatCouldNotBeSentAndSaysWhy) {
  const auto with = [](auto change) {
    auto mail = kMail;
    change(mail);
    return mail;
  };
  for (const char* type : {"", "../secrets", "a b", "a.b"})
    EXPECT_THAT(refusal(with([&](auto& mail) { mail.type = type; })), HasSubstr("has the type"));
  EXPECT_THAT(refusal(with([](auto& mail) { mail.order_id = ""; })), HasSubstr("no order_id"));
  EXPECT_THAT(refusal(with([](auto& mail) { mail.revision = 0; })), HasSubstr("revision"));
  const auto nobody = refusal(with([](auto& mail) { mail.recipient = "zoe\n@example.com"; }));
  EXPECT_THAT(nobody, HasSubstr("recipient"));
  EXPECT_THAT(nobody, ::testing::Not(HasSubstr("zoe")));
  EXPECT_THROW(enqueue(with([](auto& mail) { mail.payload = "{"; })), SqlError);
  EXPECT_EQ(mails(), 0);
}

TEST_P(EmailOutboxContract, RefusesADomainThatIsNone) {
  EXPECT_THROW(EmailOutbox(database().dialect(), "a b"), ConfigurationError);
}

}  // namespace
}  // namespace kinbox::testing

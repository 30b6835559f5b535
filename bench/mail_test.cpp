#include "mail.hpp"

#include <gtest/gtest.h>

#include "support/services.hpp"
#include "support/smtp_server.hpp"
#include "support/temporary_directory.hpp"

namespace kinbox::bench {
namespace {

using kinbox::testing::SmtpServer;

TEST(BenchMail, EachMailArrivesOnceEitherWay) {
  KINBOX_REQUIRE_SERVICE(SmtpServer);
  const SmtpServer server;
  const kinbox::testing::TemporaryDirectory directory;
  const MailPlan plan{.backend = Backend::kSqlite,
                      .location = (directory / "mail.db").string(),
                      .smtp_port = server.port(),
                      .senders = 2,
                      .mails = 20};
  EXPECT_GT(send_from_outbox(plan), 0);
  EXPECT_EQ(server.mails(), 20);
  EXPECT_GT(send_directly(plan), 0);
  EXPECT_EQ(server.mails(), 40);
}

}  // namespace
}  // namespace kinbox::bench

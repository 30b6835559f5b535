#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <csignal>
#include <fstream>

#include "kinbox/kafka/mock_cluster.hpp"
#include "kinbox/sqlite/database.hpp"
#include "support/child_process.hpp"
#include "support/eventually.hpp"
#include "support/kafka.hpp"
#include "support/services.hpp"
#include "support/smtp_server.hpp"
#include "support/temporary_directory.hpp"

namespace kinbox::testing {
namespace {

using namespace std::chrono_literals;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr const char* kCreated = "marketplace.order.created";
constexpr const char* kChanged = "marketplace.order.status-changed";
constexpr const char* kAtOnce = ", retry: {max_attempts: 3, first_delay: 1ms, max_delay: 1ms}";
constexpr auto kErr = ChildProcess::Stream::kErr;
const ExitStatus kClean{.code = 0, .signal = {}};

ExitStatus exited(int code) { return {.code = code, .signal = {}}; }

std::string event(const std::string& type, int order, const std::string& recipient) {
  const auto n = std::to_string(order);
  return R"({"eventId":")" + type + n + R"(","eventType":")" + type + R"(","orderId":"o-)" + n +
         R"(","buyerId":"b","totalAmount":12.50,"buyerEmail":")" + recipient + R"("})";
}

/// `kinbox run` as a process, from orders on a mock cluster to mails at a server.
class CliMailRun : public ::testing::Test {
 protected:
  void SetUp() override {
    KINBOX_REQUIRE_SERVICE(SmtpServer);
    cluster_.create_topic(kCreated, 1);
    cluster_.create_topic(kChanged, 1);
  }

  void configure(const std::string& email) {
    std::ofstream out(config_);
    out << "kafka:\n";
    for (const auto& [key, value] : fast_settings(cluster_.bootstrap_servers()))
      out << "  " << key << ": '" << value << "'\n";
    out << "database: {sqlite: k.db}\nconsumers:\n  - name: email\n    topics: [" << kCreated
        << ", " << kChanged << "]\n    handlers: [email_confirmation]\n"
        << email;
  }

  static std::string to(std::uint16_t port, const std::string& more = "") {
    return "email: {transport: 'smtp://127.0.0.1:" + std::to_string(port) +
           "', security: none, from: Shop <shop@shop.example>" + more + "}\n";
  }

  void send(const std::string& topic, const std::string& value) {
    produce(cluster_.bootstrap_servers(), std::vector<OwnedRecord>{text_record(topic, 0, value)});
  }

  std::unique_ptr<ChildProcess> start(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), KINBOX_BINARY_DIR "/kinbox");
    arguments.insert(arguments.end(), {"--config", config_.string()});
    return std::make_unique<ChildProcess>(arguments);
  }

  std::optional<ExitStatus> run(const std::vector<std::string>& arguments) {
    const auto child = start(arguments);
    const auto status = child->wait_for(40s);
    errors_ = child->output(kErr);
    return status;
  }

  std::int64_t mails(const std::string& which) {
    const auto database = sqlite::open({.path = (directory_ / "k.db").string()});
    return database->begin()
        ->query("SELECT count(*) FROM email_outbox WHERE " + which)[0]
        .get<std::int64_t>(0);
  }

  bool is_there() { return std::filesystem::exists(directory_ / "k.db") && has_table(); }
  bool has_table() {
    const auto database = sqlite::open({.path = (directory_ / "k.db").string()});
    return !database->begin()
                ->query("SELECT 1 FROM sqlite_master WHERE name = 'email_senders'")
                .empty();
  }

  kafka::MockCluster cluster_;
  TemporaryDirectory directory_;
  std::filesystem::path config_ = directory_ / "kinbox.yaml";
  std::string errors_;
};

TEST_F(CliMailRun, OrdersBecomeMailsOnceEach) {
  const SmtpServer server;
  configure(to(server.port()));
  send(kCreated, event("ORDER_CREATED", 1, "zoe@example.com"));
  send(kCreated, event("ORDER_CREATED", 1, "zoe@example.com"));
  send(kChanged, event("ORDER_SHIPPED", 1, "zoe@example.com"));
  EXPECT_EQ(run({"run", "--until-idle"}), kClean) << errors_;
  EXPECT_EQ(server.mails(), 2);
  EXPECT_EQ(mails("state = 'sent'"), 2);
  EXPECT_THAT(server.mail(1) + server.mail(2),
              AllOf(HasSubstr("<order_confirmation.o-1.1@kinbox.invalid>"),
                    HasSubstr("<order_shipped.o-1.1@kinbox.invalid>")));
  EXPECT_THAT(errors_, Not(HasSubstr("zoe@example.com"))) << "logs name no buyers";
  EXPECT_EQ(run({"mail", "status", "--check"}), kClean) << errors_;
}

TEST_F(CliMailRun, ABadRecipientStopsNoOther) {
  const SmtpServer server;
  configure(to(server.port()));
  send(kCreated, event("ORDER_CREATED", 1, "rcpt-550@example.com"));
  send(kCreated, event("ORDER_CREATED", 2, "zoe@example.com"));
  EXPECT_EQ(run({"run", "--until-idle"}), kClean) << errors_;
  EXPECT_EQ(server.mails(), 1);
  EXPECT_EQ(mails("state = 'failed' AND last_error LIKE '%550%'"), 1);
  EXPECT_THAT(errors_, AllOf(HasSubstr("mail_failed"), Not(HasSubstr("rcpt-550@"))));
  EXPECT_EQ(run({"mail", "status", "--check"}), exited(2));
}

TEST_F(CliMailRun, WhatIsNotWantedNowIsTriedAgainAndAtLastFails) {
  const SmtpServer server;
  configure(to(server.port(), kAtOnce));
  send(kCreated, event("ORDER_CREATED", 1, "content-452@example.com"));
  const auto process = start({"run"});
  EXPECT_TRUE(eventually([&] { return is_there() && mails("state = 'failed'") == 1; }, 40s))
      << process->output(kErr);
  EXPECT_EQ(mails("attempts = 3 AND last_error LIKE 'given up after 3 attempts: 452%'"), 1);
  EXPECT_EQ(server.mails(), 0);
}

TEST_F(CliMailRun, WhatMayHaveArrivedIsSentAgainUnderItsName) {
  const SmtpServer server;
  configure(to(server.port(), kAtOnce));
  send(kCreated, event("ORDER_CREATED", 1, "content-drop@example.com"));
  const auto process = start({"run"});
  EXPECT_TRUE(eventually([&] { return server.mails() == 3; }, 40s)) << process->output(kErr);
  EXPECT_TRUE(eventually([&] { return mails("state = 'unknown' AND attempts = 3") == 1; }, 40s));
  for (int n = 1; n <= 3; ++n)
    EXPECT_THAT(server.mail(n), HasSubstr("<order_confirmation.o-1.1@kinbox.invalid>"));
  EXPECT_THAT(process->output(kErr), HasSubstr("mail_unknown"));
}

TEST_F(CliMailRun, OrWaitsForAPerson) {
  const SmtpServer server;
  configure(to(server.port(), std::string(kAtOnce) + ", on_unknown: hold"));
  send(kCreated, event("ORDER_CREATED", 1, "content-drop@example.com"));
  EXPECT_EQ(run({"run", "--until-idle"}), kClean) << errors_;
  EXPECT_EQ(run({"run", "--until-idle"}), kClean) << errors_;
  EXPECT_EQ(server.mails(), 1);
  EXPECT_EQ(run({"mail", "status", "--check"}), exited(2));
  EXPECT_THAT(errors_, HasSubstr("1 mails may have arrived or not"));
  EXPECT_EQ(run({"mail", "retry", "1"}), kClean);
  EXPECT_EQ(run({"run", "--until-idle"}), kClean) << errors_;
  EXPECT_EQ(server.mails(), 2) << "that was asked for";
  EXPECT_EQ(run({"mail", "discard", "1"}), kClean);
  EXPECT_EQ(run({"mail", "status", "--check"}), kClean) << errors_;
}

TEST_F(CliMailRun, AProcessKilledBehindTheContentLeavesAMailThatIsHeld) {
  const SmtpServer server;
  const std::string settings = ", on_unknown: hold, connect_timeout: 1s, delivery_timeout: 2s";
  configure(to(server.port(), settings));
  send(kCreated, event("ORDER_CREATED", 1, "content-silent@example.com"));
  {
    const auto process = start({"run"});
    ASSERT_TRUE(eventually([&] { return server.mails() == 1; }, 40s)) << process->output(kErr);
    process->kill();
  }
  EXPECT_EQ(mails("state = 'sending'"), 1);
  const auto heir = start({"run"});
  EXPECT_TRUE(eventually([&] { return mails("state = 'unknown'") == 1; }, 40s))
      << heir->output(kErr);
  heir->signal(SIGTERM);
  EXPECT_EQ(heir->wait_for(40s), kClean) << heir->output(kErr);
  EXPECT_EQ(server.mails(), 1) << "held is held";
}

TEST_F(CliMailRun, AServerThatIsAwayKeepsMailsAndNotOrders) {
  configure(to(1));
  send(kCreated, event("ORDER_CREATED", 1, "zoe@example.com"));
  const auto process = start({"run"});
  ASSERT_TRUE(eventually([&] { return is_there() && mails("last_error <> ''") == 1; }, 40s))
      << process->output(kErr);
  send(kCreated, event("ORDER_CREATED", 2, "zoe@example.com"));
  ASSERT_TRUE(eventually([&] { return mails("state = 'pending' AND attempts = 0") == 2; }, 40s));
  ASSERT_TRUE(eventually([&] {
    return run({"mail", "status", "--check"}) == exited(2) &&
           errors_.find("cannot send to smtp://127.0.0.1:1") != std::string::npos;
  })) << errors_;
  const SmtpServer server;
  process->signal(SIGTERM);
  EXPECT_EQ(process->wait_for(40s), kClean) << process->output(kErr);
  configure(to(server.port()));
  const auto again = start({"run"});
  EXPECT_TRUE(eventually([&] { return mails("state = 'sent'") == 2; }, 40s)) << again->output(kErr);
  again->signal(SIGTERM);
  EXPECT_EQ(again->wait_for(40s), kClean) << again->output(kErr);
}

TEST_F(CliMailRun, AWrongPasswordIsNamedAndCostsNoMail) {
  const SmtpServer server({.login = "shop:right"});
  configure(to(server.port(), ", user: shop, password: wrong"));
  send(kCreated, event("ORDER_CREATED", 1, "zoe@example.com"));
  EXPECT_EQ(run({"run", "--until-idle"}), kClean) << errors_;
  EXPECT_THAT(errors_, AllOf(HasSubstr("535"), Not(HasSubstr("wrong"))));
  EXPECT_EQ(mails("state = 'pending' AND attempts = 0"), 1);
  std::ofstream(directory_ / "secret") << "right\n";
  configure(to(server.port(), ", user: shop, password_file: secret"));
  EXPECT_EQ(run({"run", "--until-idle"}), kClean) << errors_;
  EXPECT_EQ(server.mails(), 1);
}

TEST_F(CliMailRun, WithoutTheSectionMailsWaitAndStatusSaysSo) {
  configure("");
  send(kCreated, event("ORDER_CREATED", 1, "zoe@example.com"));
  EXPECT_EQ(run({"run", "--until-idle"}), kClean) << errors_;
  EXPECT_EQ(run({"mail", "status", "--check"}), exited(2));
  EXPECT_THAT(errors_, HasSubstr("1 mails wait, and nobody sends"));
  configure("email: {transport: 'file:out', from: shop@shop.example}\n");
  EXPECT_EQ(run({"run", "--until-idle"}), kClean) << errors_;
  EXPECT_EQ(mails("state = 'sent'"), 1);
  EXPECT_FALSE(std::filesystem::is_empty(directory_ / "out"));
}

TEST_F(CliMailRun, TemplatesThatAreMissingEndItBeforeAnythingIsConsumed) {
  configure("email: {transport: 'file:out', from: shop@shop.example, templates: nowhere}\n");
  EXPECT_EQ(run({"run", "--until-idle"}), exited(78));
  EXPECT_THAT(errors_, HasSubstr("nowhere"));
  EXPECT_FALSE(std::filesystem::exists(directory_ / "k.db"));
}

}  // namespace
}  // namespace kinbox::testing

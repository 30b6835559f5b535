#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "cli/config/load.hpp"
#include "cli/config/sections.hpp"
#include "cli/config/show.hpp"
#include "cli/run/mail_sender.hpp"
#include "kinbox/errors.hpp"
#include "kinbox/sqlite/database.hpp"
#include "support/temporary_directory.hpp"

namespace kinbox::cli {
namespace {

using std::chrono::minutes;
using std::chrono::seconds;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr const char* kConfiguration = R"(
kafka: {bootstrap.servers: '127.0.0.1:1'}
database: {sqlite: k.db}
consumers: [{name: orders, topics: [t], handlers: [h]}]
)";

Config parsed(const std::string& email, const std::string& file = "/etc/shop/kinbox.yaml") {
  return parse_config(kConfiguration + email, file, {{"SMTP_PASSWORD", "geheim"}});
}

std::string refusal(const std::string& email) {
  try {
    parsed("email: {" + email + "}\n");
  } catch (const ConfigurationError& e) {
    return e.what();
  }
  return "(accepted)";
}

std::map<std::string, std::string> shown(const Config& config) {
  std::map<std::string, std::string> found;
  for (const auto& row : show_config(config).rows)
    found[std::get<std::string>(row[0])] = std::get<std::string>(row[1]);
  return found;
}

TEST(EmailConfiguration, WithoutTheSectionNobodySends) {
  EXPECT_FALSE(parsed("").email.has_value());
  EXPECT_FALSE(shown(parsed("")).contains("email.transport"));
}

TEST(EmailConfiguration, HasDefaults) {
  const auto email = *parsed("email: {transport: 'smtp://mail.example.com', from: a@b.c}\n").email;
  EXPECT_EQ(email.way, EmailConfig::Way::kSmtp);
  EXPECT_EQ(email.smtp.host, "mail.example.com");
  EXPECT_EQ(email.smtp.port, 0);
  EXPECT_EQ(email.smtp.security, email::Security::kStartTls);
  EXPECT_EQ(email.from.address, "a@b.c");
  EXPECT_EQ(email.senders, 1);
  EXPECT_EQ(email.rate_per_second, 0);
  EXPECT_EQ(email.on_unknown, email::OnUnknown::kResend);
  EXPECT_EQ(email.retry.max_attempts, 20);
  EXPECT_EQ(email.retry.first_delay, minutes{1});
  EXPECT_FALSE(email.templates.has_value());
}

TEST(EmailConfiguration, IsReadAndShownWithoutItsSecrets) {
  const auto config = parsed(R"(
email:
  transport: smtp://[::1]:2525
  security: tls
  ca_file: ca.pem
  user: shop
  password: ${SMTP_PASSWORD}
  password_file: secret
  hello_name: shop.example
  connect_timeout: 5s
  delivery_timeout: 20s
  from: The Shop <shop@shop.example>
  reply_to: help@shop.example
  templates: mails
  senders: 4
  rate: 300/m
  on_unknown: hold
  retry: {max_attempts: 7, first_delay: 2m, max_delay: 30m}
)");
  const auto& email = *config.email;
  EXPECT_EQ(email.smtp.host, "::1");
  EXPECT_EQ(email.smtp.port, 2525);
  EXPECT_EQ(email.smtp.password, "geheim");
  EXPECT_EQ(email.smtp.ca_file, "/etc/shop/ca.pem");
  EXPECT_EQ(email.password_file, "/etc/shop/secret");
  EXPECT_EQ(email.templates, "/etc/shop/mails");
  EXPECT_EQ(email.from.name, "The Shop");
  EXPECT_EQ(email.from.address, "shop@shop.example");
  EXPECT_DOUBLE_EQ(email.rate_per_second, 5);
  auto all = shown(config);
  EXPECT_EQ(all["email.transport"], "smtp://[::1]:2525");
  EXPECT_EQ(all["email.security"], "tls");
  EXPECT_EQ(all["email.password"], "***");
  EXPECT_EQ(all["email.password_file"], "/etc/shop/secret");
  EXPECT_EQ(all["email.ca_file"], "/etc/shop/ca.pem");
  EXPECT_EQ(all["email.user"], "shop");
  EXPECT_EQ(all["email.hello_name"], "shop.example");
  EXPECT_EQ(all["email.connect_timeout"], "5s");
  EXPECT_EQ(all["email.delivery_timeout"], "20s");
  EXPECT_EQ(all["email.from"], "The Shop <shop@shop.example>");
  EXPECT_EQ(all["email.reply_to"], "help@shop.example");
  EXPECT_EQ(all["email.templates"], "/etc/shop/mails");
  EXPECT_EQ(all["email.senders"], "4");
  EXPECT_EQ(all["email.rate"], "300/m");
  EXPECT_EQ(all["email.on_unknown"], "hold");
  EXPECT_EQ(all["email.retry.max_attempts"], "7");
}

TEST(EmailConfiguration, FoldersStartAtTheConfigurationsFolder) {
  for (const auto& [text, way] : {std::pair{"maildir:out", EmailConfig::Way::kMaildir},
                                  std::pair{"file:out", EmailConfig::Way::kFile}}) {
    const auto config = parsed("email: {transport: '" + std::string(text) + "', from: a@b}\n");
    EXPECT_EQ(config.email->way, way);
    EXPECT_EQ(config.email->folder, "/etc/shop/out");
  }
}

TEST(EmailConfiguration, RefusesWhatCannotWorkAndSaysWhy) {
  EXPECT_THAT(refusal("from: a@b"), HasSubstr("names no transport"));
  EXPECT_THAT(refusal("transport: 'file:x'"), HasSubstr("names no sender"));
  for (const auto* transport : {"sendmail", "smtp://", "smtp://u:p@host", "smtp://host:0",
                                "smtp://host:99999", "smtp://[::1", "smtp://host:25x", "file:"})
    EXPECT_THAT(refusal(std::string("from: a@b, transport: '") + transport + "'"),
                AllOf(HasSubstr("email.transport"), HasSubstr("smtp://HOST")))
        << transport;
  const std::string file = "transport: 'file:x', from: a@b, ";
  EXPECT_THAT(refusal("transport: 'file:x', from: shop"), HasSubstr("is no e-mail address"));
  EXPECT_THAT(refusal(file + "reply_to: 'A <b>'"), HasSubstr("is no e-mail address"));
  for (const auto* rate : {"10", "0/s", "x/s", "10/d", "1.5/s"})
    EXPECT_THAT(refusal(file + "rate: " + rate), HasSubstr("like 10/s")) << rate;
  EXPECT_THAT(refusal(file + "senders: 0"), HasSubstr("from 1 on"));
  EXPECT_THAT(refusal(file + "on_unknown: ask"), HasSubstr("cannot be \"ask\""));
  EXPECT_THAT(refusal(file + "user: shop"), HasSubstr("user")) << "not of a folder";
  EXPECT_THAT(refusal("transport: 'smtp://h', from: a@b, security: ssl"),
              HasSubstr("cannot be \"ssl\""));
  EXPECT_EQ(refusal(file + "rate: none"), "(accepted)");
}

class MailSenderOfConfiguration : public ::testing::Test {
 protected:
  std::string refusal(const std::string& email) {
    Observer nobody;
    try {
      const auto config =
          parsed("email: {from: a@b, " + email + "}\n", (folder_ / "kinbox.yaml").string());
      require_usable(*config.email);
      EXPECT_FALSE(std::filesystem::exists(folder_ / "out")) << "it was only looked at";
      make_mail_sender(*config.email, sqlite::factory({.path = (folder_ / "k.db").string()}),
                       nobody);
      std::filesystem::remove_all(folder_ / "out");
    } catch (const ConfigurationError& e) {
      return e.what();
    }
    return "(made)";
  }

  void write(const std::string& name, const std::string& text) {
    std::filesystem::create_directories((folder_ / name.c_str()).parent_path());
    std::ofstream(folder_ / name.c_str()) << text;
  }

  kinbox::testing::TemporaryDirectory folder_;
};

TEST_F(MailSenderOfConfiguration, ReadsWhatItNeedsAtStart) {
  EXPECT_EQ(refusal("transport: 'maildir:out'"), "(made)");
  EXPECT_EQ(refusal("transport: 'file:out'"), "(made)");
  EXPECT_EQ(refusal("transport: 'smtp://mail.example.com'"), "(made)");
  EXPECT_THAT(refusal("transport: 'file:out', templates: missing"), HasSubstr("missing"));
  const std::string login = "transport: 'smtp://h', user: u, password_file: secret";
  EXPECT_THAT(refusal(login), AllOf(HasSubstr("email.password_file"), HasSubstr("secret")));
  EXPECT_THAT(refusal("transport: 'smtp://h', user: u"), HasSubstr("password"));
  EXPECT_THAT(refusal("transport: 'smtp://h', security: none, user: u, password: p"),
              HasSubstr("security"));
  EXPECT_THAT(refusal("transport: 'smtp://h', ca_file: ca.pem"), HasSubstr("ca.pem"));
  write("secret", "geheim\n");
  EXPECT_EQ(refusal(login), "(made)");
  write("mails/t.subject.txt", "s");
  EXPECT_THAT(refusal("transport: 'file:out', templates: mails"), HasSubstr("t."))
      << "a type without its text";
  write("mails/t.text.txt", "t");
  EXPECT_EQ(refusal("transport: 'file:out', templates: mails"), "(made)");
}

}  // namespace
}  // namespace kinbox::cli

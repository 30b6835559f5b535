// Settings that cannot work are refused before any connection.
#include <gmock/gmock.h>

#include <fstream>

#include "email/smtp_settings.hpp"
#include "kinbox/errors.hpp"
#include "support/temporary_directory.hpp"

namespace kinbox::email {
namespace {

using ::testing::HasSubstr;
using namespace std::chrono_literals;

std::string refusal(const SmtpSettings& settings) {
  try {
    make_smtp(settings);
  } catch (const ConfigurationError& error) {
    return error.what();
  }
  return "made";
}

TEST(SmtpSettings, UsableOnesMakeATransport) {
  EXPECT_EQ(refusal({.host = "mail.example.com", .user = "u", .password = "p"}), "made");
  EXPECT_EQ(refusal({.host = "::1", .security = Security::kNone, .user = "u", .password = "p"}),
            "made");
}

TEST(SmtpSettings, WhatCannotWorkIsNamed) {
  EXPECT_THAT(refusal({}), HasSubstr("smtp.host: name the server"));
  for (const char* host : {"a b", "a/b", "user@host", "host\r\n", "[::1]"})
    EXPECT_THAT(refusal({.host = host}), HasSubstr("smtp.host: write")) << host;
  EXPECT_THAT(refusal({.host = "a", .hello_name = "b\r\nMAIL"}), HasSubstr("smtp.hello_name"));
  EXPECT_THAT(refusal({.host = "a", .user = "u"}), HasSubstr("smtp.password"));
  EXPECT_THAT(refusal({.host = "a", .password = "p"}), HasSubstr("smtp.user"));
  EXPECT_THAT(refusal({.host = "a", .connect_timeout = 0ms}), HasSubstr("smtp.connect_timeout"));
  EXPECT_THAT(refusal({.host = "a", .connect_timeout = 2s, .delivery_timeout = 1s}),
              HasSubstr("smtp.delivery_timeout"));
}

TEST(SmtpSettings, NoPasswordGoesOverThePlainNetwork) {
  const SmtpSettings naked{
      .host = "mail.example.com", .security = Security::kNone, .user = "u", .password = "p"};
  EXPECT_THAT(refusal(naked), HasSubstr("smtp.security: none would show the password"));
  for (const char* host : {"localhost", "127.0.0.1", "::1"}) {
    auto local = naked;
    local.host = host;
    EXPECT_EQ(refusal(local), "made");
  }
}

TEST(SmtpSettings, TheAuthoritiesFileMustHoldSome) {
  const kinbox::testing::TemporaryDirectory directory;
  const auto file = (directory / "ca.pem").string();
  EXPECT_THAT(refusal({.host = "a", .ca_file = file}), HasSubstr("smtp.ca_file: " + file));
  std::ofstream(file) << "nothing of that kind";
  EXPECT_THAT(refusal({.host = "a", .ca_file = file}), HasSubstr("smtp.ca_file: " + file));
  EXPECT_THAT(refusal({.host = "a", .ca_file = directory.path().string()}),
              HasSubstr("smtp.ca_file"));
}

TEST(SmtpSettings, PortsFollowSecurity) {
  EXPECT_EQ(smtp_url({.host = "a"}), "smtp://a:587/");
  EXPECT_EQ(smtp_url({.host = "a", .security = Security::kTls}), "smtps://a:465/");
  EXPECT_EQ(smtp_url({.host = "a", .security = Security::kNone}), "smtp://a:25/");
  EXPECT_EQ(smtp_url({.host = "::1", .port = 2525, .hello_name = "me.example.com"}),
            "smtp://[::1]:2525/me.example.com");
}

}  // namespace
}  // namespace kinbox::email

// Mails that go to a real SMTP server (aiosmtpd), which does to them what servers do.
#include "kinbox/email/smtp.hpp"

#include <gmock/gmock.h>
#include <signal.h>
#include <sys/socket.h>

#include <chrono>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string_view>
#include <thread>

#include "kinbox/email/letter.hpp"
#include "kinbox/email/try_smtp.hpp"
#include "kinbox/errors.hpp"
#include "support/eventually.hpp"
#include "support/loopback.hpp"
#include "support/services.hpp"
#include "support/smtp_server.hpp"
#include "support/tcp_proxy.hpp"
#include "support/temporary_directory.hpp"

namespace kinbox::email {
namespace {

using kinbox::testing::SmtpServer;
using kinbox::testing::TcpProxy;
using Tls = SmtpServer::Tls;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::StartsWith;
using ::testing::ThrowsMessage;

using namespace std::chrono_literals;

bool yes() { return true; }

Letter letter(const std::string& to, const std::string& text = "Thank you.\n") {
  return {.from = {"The Sh\xC3\xB6p", "shop@example.com"},
          .to = {"Zoe", to},
          .subject = "Your order",
          .text = text,
          .message_id = "<order.o-1.1@example.com>",
          .date = std::chrono::sys_days{std::chrono::year{2026} / 1 / 31}};
}

Parcel parcel(const std::string& to, const std::string& text = "Thank you.\n") {
  return {.from = "shop@example.com",
          .to = to,
          .message = compose(letter(to, text)),
          .id = "<order.o-1.1@example.com>"};
}

SmtpSettings plain(std::uint16_t port) {
  return {.host = "127.0.0.1", .port = port, .security = Security::kNone};
}

class Smtp : public ::testing::Test {
 protected:
  void SetUp() override { KINBOX_REQUIRE_SERVICE(SmtpServer); }

  /// One delivery over a connection of its own.
  static Delivery deliver(const SmtpServer& server, const std::string& to) {
    return make_smtp(plain(server.port()))->deliver(parcel(to), yes);
  }
};

TEST_F(Smtp, AMailArrivesAsItWasComposed) {
  const SmtpServer server;
  auto both = letter("zoe@example.org",
                     "Gr\xC3\xBC\xC3\x9F"
                     "e\n");
  both.html =
      "<p>Gr\xC3\xBC\xC3\x9F"
      "e</p>\n";
  both.subject =
      "\xE2\x98\x83 for you, and a text that is long enough to be folded, twice at least";
  both.reply_to = Mailbox{"Help, please", "help@example.com"};
  const auto message = compose(both);
  const auto delivery = make_smtp(plain(server.port()))
                            ->deliver({.from = "bounce@example.com",
                                       .to = "zoe@example.org",
                                       .message = message,
                                       .id = both.message_id},
                                      yes);
  EXPECT_EQ(delivery.outcome, Outcome::kAccepted);
  EXPECT_EQ(delivery.reply, "250 taken");
  ASSERT_EQ(server.mails(), 1);
  EXPECT_EQ(server.mail(1), message);

  const auto read = nlohmann::json::parse(server.readable(1));
  EXPECT_EQ(read["from"], "bounce@example.com");
  EXPECT_THAT(read["to"], ElementsAre("zoe@example.org"));
  EXPECT_THAT(read["defects"], IsEmpty());
  const auto& headers = read["headers"];
  EXPECT_EQ(headers["Subject"], both.subject);
  EXPECT_EQ(headers["From"], "The Sh\xC3\xB6p <shop@example.com>");
  EXPECT_EQ(headers["Reply-To"], "\"Help, please\" <help@example.com>");
  EXPECT_EQ(headers["Message-ID"], both.message_id);
  EXPECT_EQ(headers["Auto-Submitted"], "auto-generated");
  EXPECT_EQ(headers["Date"], "Sat, 31 Jan 2026 00:00:00 +0000");
  ASSERT_EQ(read["parts"].size(), 2u);
  EXPECT_EQ(read["parts"][0]["type"], "text/plain");
  EXPECT_EQ(read["parts"][0]["text"], both.text);
  EXPECT_EQ(read["parts"][1]["type"], "text/html");
  EXPECT_EQ(read["parts"][1]["text"], *both.html);
}

TEST_F(Smtp, PartsKeepTheirLineEnds) {
  const SmtpServer server;
  const auto transport = make_smtp(plain(server.port()));
  int n = 0;
  for (const std::string text : {"", "one\n", "one\n\n", "\n"}) {
    auto both = letter("zoe@example.org", text);
    both.html = text;
    transport->deliver(
        {.from = "a@b", .to = "zoe@example.org", .message = compose(both), .id = "<a@b>"}, yes);
    const auto read = nlohmann::json::parse(server.readable(++n));
    const auto whole = text.empty() ? "\n" : text;
    EXPECT_EQ(read["parts"][0]["text"], whole);
    EXPECT_EQ(read["parts"][1]["text"], whole);
  }
}

TEST_F(Smtp, DotsAndLongLinesArriveIntact) {
  const SmtpServer server;
  const auto transport = make_smtp(plain(server.port()));
  const std::string dots = ".\n..\n.a\n\n.\n" + std::string(5000, '.') + "\n.";
  const std::string big = [] {
    std::string text;
    for (int i = 0; i < 40'000; ++i) text += ".line " + std::to_string(i) + "\n";
    return text;
  }();
  int n = 0;
  for (const auto& text : {dots, std::string("."), big}) {
    const auto sent = parcel("zoe@example.org", text);
    ASSERT_EQ(transport->deliver(sent, yes).outcome, Outcome::kAccepted);
    EXPECT_TRUE(server.mail(++n) == sent.message);
    const auto read = nlohmann::json::parse(server.readable(n));
    EXPECT_TRUE(read["parts"][0]["text"] == (text.ends_with('\n') ? text : text + '\n')) << n;
  }
}

TEST_F(Smtp, TheMailsAnswersDecideWhatBecomesOfIt) {
  const SmtpServer server;
  for (const auto& [to, outcome, reply] :
       std::vector<std::tuple<std::string, Outcome, std::string>>{
           {"rcpt-550@example.org", Outcome::kRefused, "550 rcpt is not what we do"},
           {"rcpt-450@example.org", Outcome::kDeferred, "450 rcpt is not what we do"},
           {"data-554@example.org", Outcome::kRefused, "554 data is not what we do"},
           {"data-451@example.org", Outcome::kDeferred, "451 data is not what we do"},
           {"content-552@example.org", Outcome::kRefused, "552 content is not what we do"},
           {"content-452@example.org", Outcome::kDeferred, "452 content is not what we do"}}) {
    const auto delivery = deliver(server, to);
    EXPECT_EQ(delivery.outcome, outcome) << to;
    EXPECT_EQ(delivery.reply, reply);
  }
  EXPECT_EQ(server.mails(), 0);
}

TEST_F(Smtp, AMailThatIsRefusedDoesNotStopTheNextOne) {
  const SmtpServer server;
  const auto transport = make_smtp(plain(server.port()));
  for (const char* bad :
       {"rcpt-550@example.org", "content-452@example.org", "content-drop@example.org"})
    transport->deliver(parcel(bad), yes);
  EXPECT_EQ(transport->deliver(parcel("zoe@example.org"), yes).outcome, Outcome::kAccepted);
}

TEST_F(Smtp, ASenderThatIsRefusedIsNotTheMailsFault) {
  const SmtpServer server;
  auto sent = parcel("zoe@example.org");
  for (const char* from :
       {"mail-550@example.org", "mail-451@example.org", "mail-530@example.org"}) {
    sent.from = from;
    const auto delivery = make_smtp(plain(server.port()))->deliver(sent, yes);
    EXPECT_EQ(delivery.outcome, Outcome::kUnavailable);
    EXPECT_THAT(delivery.reply, AllOf(HasSubstr("look at"), HasSubstr("mail is not")));
  }
}

TEST_F(Smtp, AServerThatClosesIsNotTheMailsFault) {
  const SmtpServer server;
  for (const char* to :
       {"rcpt-421@example.org", "data-421@example.org", "content-421@example.org"}) {
    const auto delivery = deliver(server, to);
    EXPECT_EQ(delivery.outcome, Outcome::kUnavailable) << to;
    EXPECT_THAT(delivery.reply, StartsWith("the server closes: 421 "));
  }
}

TEST_F(Smtp, AConnectionThatEndsBeforeTheMailIsNotTheMailsFault) {
  const SmtpServer server;
  for (const char* to : {"rcpt-drop@example.org", "data-drop@example.org"})
    EXPECT_EQ(deliver(server, to).outcome, Outcome::kUnavailable) << to;
}

TEST_F(Smtp, AConnectionThatEndsWithinTheMailDefersIt) {
  const SmtpServer server;
  // More than the buffers between two processes hold.
  const auto sent = parcel("within-drop@example.org", std::string(20'000'000, 'a'));
  const auto delivery = make_smtp(plain(server.port()))->deliver(sent, yes);
  EXPECT_EQ(delivery.outcome, Outcome::kDeferred);
  EXPECT_THAT(delivery.reply, StartsWith("the connection ended within the mail: smtp 127.0.0.1:"));
}

TEST_F(Smtp, AnAnswerThatIsLostAfterTheMailLeavesItUnknown) {
  const SmtpServer server;
  const auto delivery = deliver(server, "content-drop@example.org");
  EXPECT_EQ(delivery.outcome, Outcome::kUnknown);
  EXPECT_THAT(delivery.reply, HasSubstr("its answer is missing"));
  EXPECT_EQ(server.mails(), 1);
}

TEST_F(Smtp, AMailWhoseFinalDotIsLostIsUnknownToo) {
  const SmtpServer server;
  TcpProxy proxy(server.port());
  proxy.lose_request("\r\n.\r\n");
  const auto delivery = make_smtp(plain(proxy.port()))->deliver(parcel("zoe@example.org"), yes);
  EXPECT_EQ(delivery.outcome, Outcome::kUnknown);
  EXPECT_EQ(server.mails(), 0);
}

TEST_F(Smtp, SilenceIsBoundedByTheDeadline) {
  const SmtpServer server;
  for (const auto& [to, outcome] : std::vector<std::pair<std::string, Outcome>>{
           {"rcpt-silent@example.org", Outcome::kUnavailable},
           {"content-silent@example.org", Outcome::kUnknown}}) {
    auto settings = plain(server.port());
    settings.connect_timeout = 300ms;
    settings.delivery_timeout = 500ms;
    const auto start = std::chrono::steady_clock::now();
    const auto delivery = make_smtp(settings)->deliver(parcel(to), yes);
    EXPECT_LT(std::chrono::steady_clock::now() - start, 30s);
    EXPECT_EQ(delivery.outcome, outcome);
    EXPECT_THAT(delivery.reply, HasSubstr("no answer in time (connect_timeout 300 ms, "
                                          "delivery_timeout 500 ms)"));
  }
}

TEST_F(Smtp, AConnectionThatOwesAnAnswerIsNotUsedAgain) {
  const SmtpServer server;
  auto settings = plain(server.port());
  settings.connect_timeout = 300ms;
  settings.delivery_timeout = 500ms;
  const auto transport = make_smtp(settings);
  int connections = 0;
  for (const char* to : {"mail-silent", "rcpt-silent", "data-silent", "content-silent"}) {
    auto sent = parcel(to + std::string("@example.org"));
    if (to == std::string("mail-silent")) std::swap(sent.from, sent.to);
    EXPECT_THAT(transport->deliver(sent, yes).reply, HasSubstr("no answer in time"));
    const auto delivery = transport->deliver(parcel("zoe@example.org"), yes);
    EXPECT_EQ(delivery.outcome, Outcome::kAccepted) << to << ": " << delivery.reply;
    // The first one's, which was reused or not, and another.
    EXPECT_GT(server.connections(), connections);
    connections = server.connections();
  }
}

TEST_F(Smtp, AFrozenServerHoldsUpNobodyAtTheEnd) {
  SmtpServer server;
  auto transport = make_smtp(plain(server.port()));
  ASSERT_EQ(transport->deliver(parcel("zoe@example.org"), yes).outcome, Outcome::kAccepted);
  server.signal(SIGSTOP);
  const auto start = std::chrono::steady_clock::now();
  transport.reset();
  EXPECT_LT(std::chrono::steady_clock::now() - start, 30s);
  server.signal(SIGCONT);
}

TEST_F(Smtp, AServerThatNeverGreetsIsNamed) {
  const auto listening = kinbox::testing::listen_on_loopback(0);
  auto settings = plain(kinbox::testing::local_port(listening));
  settings.connect_timeout = 300ms;
  settings.delivery_timeout = 500ms;
  const auto delivery = make_smtp(settings)->deliver(parcel("zoe@example.org"), yes);
  EXPECT_EQ(delivery.outcome, Outcome::kUnavailable);
  EXPECT_THAT(delivery.reply, HasSubstr("no answer in time; look at port and security (connect_"));
}

TEST_F(Smtp, WhatIsNoSmtpServerIsNamed) {
  const auto listening = kinbox::testing::listen_on_loopback(0);
  std::jthread web([&] {
    const kinbox::testing::Fd client(::accept(listening.get(), nullptr, nullptr));
    constexpr std::string_view kAnswer = "HTTP/1.1 400 Bad \x1b[31mRequest\r\n\r\n";
    EXPECT_EQ(::send(client.get(), kAnswer.data(), kAnswer.size(), 0),
              static_cast<ssize_t>(kAnswer.size()));
  });
  const auto delivery =
      make_smtp(plain(kinbox::testing::local_port(listening)))->deliver(parcel("a@b"), yes);
  EXPECT_EQ(delivery.outcome, Outcome::kUnavailable);
  EXPECT_THAT(delivery.reply, AllOf(StartsWith("smtp 127.0.0.1:"), Not(HasSubstr("\x1b"))));
}

TEST_F(Smtp, AGreetingThatRefusesIsShown) {
  const auto listening = kinbox::testing::listen_on_loopback(0);
  std::jthread server([&] {
    const kinbox::testing::Fd client(::accept(listening.get(), nullptr, nullptr));
    constexpr std::string_view kAnswer = "554-no \x1b[31mservice\r\n554 here\r\n";
    EXPECT_EQ(::send(client.get(), kAnswer.data(), kAnswer.size(), 0),
              static_cast<ssize_t>(kAnswer.size()));
  });
  const auto delivery =
      make_smtp(plain(kinbox::testing::local_port(listening)))->deliver(parcel("a@b"), yes);
  EXPECT_EQ(delivery.outcome, Outcome::kUnavailable);
  EXPECT_THAT(delivery.reply, HasSubstr("554 no \\x1b[31mservice here"));
}

TEST_F(Smtp, AServerThatIsAwayIsNamed) {
  const auto port = [] {
    const auto socket = kinbox::testing::listen_on_loopback(0);
    return kinbox::testing::local_port(socket);
  }();
  auto delivery = make_smtp(plain(port))->deliver(parcel("zoe@example.org"), yes);
  EXPECT_EQ(delivery.outcome, Outcome::kUnavailable);
  EXPECT_THAT(delivery.reply, HasSubstr("smtp 127.0.0.1:" + std::to_string(port) +
                                        ": cannot connect; look at host and port"));
  auto settings = plain(port);
  settings.host = "nobody.invalid";
  delivery = make_smtp(settings)->deliver(parcel("zoe@example.org"), yes);
  EXPECT_EQ(delivery.outcome, Outcome::kUnavailable);
  EXPECT_THAT(delivery.reply, HasSubstr("look at host"));
}

TEST_F(Smtp, OneConnectionServesManyMails) {
  const SmtpServer server;
  const auto transport = make_smtp(plain(server.port()));
  for (int i = 0; i < 10; ++i)
    ASSERT_EQ(transport->deliver(parcel("zoe@example.org"), yes).outcome, Outcome::kAccepted);
  EXPECT_EQ(server.connections(), 1);
  EXPECT_EQ(server.mails(), 10);
}

TEST_F(Smtp, AConnectionThatWentStaleIsMadeAgain) {
  SmtpServer server;
  const auto transport = make_smtp(plain(server.port()));
  int mails = 0;
  for (const bool with_goodbye : {false, true}) {
    ASSERT_EQ(transport->deliver(parcel("zoe@example.org"), yes).outcome, Outcome::kAccepted);
    server.close_connections(with_goodbye);
    int asked = 0;
    const auto delivery =
        transport->deliver(parcel("zoe@example.org"), [&] { return ++asked > 0; });
    EXPECT_EQ(delivery.outcome, Outcome::kAccepted) << delivery.reply;
    EXPECT_EQ(asked, 1);
    EXPECT_EQ(server.mails(), mails += 2);
  }
  EXPECT_EQ(server.connections(), 3);
}

TEST_F(Smtp, AConnectionThatGoesStaleUnderTheFirstCommandIsMadeAgain) {
  const SmtpServer server;
  TcpProxy proxy(server.port());
  const auto transport = make_smtp(plain(proxy.port()));
  ASSERT_EQ(transport->deliver(parcel("zoe@example.org"), yes).outcome, Outcome::kAccepted);
  proxy.lose_request("MAIL FROM");
  const auto delivery = transport->deliver(parcel("zoe@example.org"), yes);
  EXPECT_EQ(proxy.losses(), 1);
  EXPECT_EQ(delivery.outcome, Outcome::kAccepted) << delivery.reply;
  EXPECT_EQ(server.mails(), 2);
}

TEST_F(Smtp, AConnectionThatIsLostAfterTheMailIsNotTriedAgain) {
  const SmtpServer server;
  TcpProxy proxy(server.port());
  const auto transport = make_smtp(plain(proxy.port()));
  ASSERT_EQ(transport->deliver(parcel("zoe@example.org"), yes).outcome, Outcome::kAccepted);
  proxy.lose_reply("\r\n.\r\n", "250 ");
  EXPECT_EQ(transport->deliver(parcel("zoe@example.org"), yes).outcome, Outcome::kUnknown);
  EXPECT_EQ(server.mails(), 2);
}

TEST_F(Smtp, WhoMayNotSendSendsNothing) {
  const SmtpServer server;
  const auto transport = make_smtp(plain(server.port()));
  int asked = 0;
  const auto delivery = transport->deliver(parcel("zoe@example.org"), [&] { return ++asked == 0; });
  EXPECT_EQ(delivery.outcome, Outcome::kGivenUp);
  EXPECT_EQ(asked, 1);
  EXPECT_THROW(transport->deliver(parcel("zoe@example.org"),
                                  []() -> bool { throw InfrastructureError("gone"); }),
               InfrastructureError);
  EXPECT_EQ(transport->deliver(parcel("zoe@example.org"), yes).outcome, Outcome::kAccepted);
  EXPECT_EQ(server.mails(), 1);
}

TEST_F(Smtp, NobodyIsAskedBeforeTheServerWantsTheContent) {
  const SmtpServer server;
  const auto transport = make_smtp(plain(server.port()));
  for (const char* to : {"rcpt-550@example.org", "data-451@example.org"}) {
    bool asked = false;
    transport->deliver(parcel(to), [&] { return asked = true; });
    EXPECT_FALSE(asked) << to;
  }
}

TEST_F(Smtp, AddressesThatAreNoneNeverReachTheServer) {
  const SmtpServer server;
  const auto transport = make_smtp(plain(server.port()));
  auto sent = parcel("zoe@example.org");
  sent.to = "zoe@example.org>\r\nRCPT TO:<all@example.org";
  EXPECT_EQ(transport->deliver(sent, yes).outcome, Outcome::kRefused);
  sent = parcel("zoe@example.org");
  sent.from = "";
  EXPECT_EQ(transport->deliver(sent, yes).outcome, Outcome::kUnavailable);
  EXPECT_EQ(server.connections(), 0);
}

class SmtpOverTls : public Smtp, public ::testing::WithParamInterface<Tls> {
 protected:
  static SmtpServer::Options options(const std::string& certificate = "broker.pem") {
    return {.tls = GetParam(), .certificate = certificate, .login = "shop:pass word:1"};
  }

  static SmtpSettings settings(const SmtpServer& server) {
    return {.host = "localhost",
            .port = server.port(),
            .security = GetParam() == Tls::kImplicit ? Security::kTls : Security::kStartTls,
            .ca_file = SmtpServer::certificates() + "/ca.pem",
            .user = "shop",
            .password = "pass word:1"};
  }

  static Delivery deliver(const SmtpSettings& settings) {
    return make_smtp(settings)->deliver(parcel("zoe@example.org"), yes);
  }
};

TEST_P(SmtpOverTls, AMailArrives) {
  const SmtpServer server(options());
  const auto transport = make_smtp(settings(server));
  for (int i = 0; i < 3; ++i) {
    const auto delivery = transport->deliver(parcel("zoe@example.org"), yes);
    EXPECT_EQ(delivery.outcome, Outcome::kAccepted) << delivery.reply;
  }
  EXPECT_EQ(server.mails(), 3);
  EXPECT_EQ(server.connections(), 1);
}

TEST_P(SmtpOverTls, AStaleConnectionIsMadeAgain) {
  SmtpServer server(options());
  const auto transport = make_smtp(settings(server));
  ASSERT_EQ(transport->deliver(parcel("zoe@example.org"), yes).outcome, Outcome::kAccepted);
  server.close_connections();
  EXPECT_EQ(transport->deliver(parcel("zoe@example.org"), yes).outcome, Outcome::kAccepted);
  EXPECT_EQ(server.mails(), 2);
}

TEST_P(SmtpOverTls, AnAuthorityThatIsNotTrustedIsNamed) {
  const SmtpServer server(options());
  auto wrong = settings(server);
  wrong.ca_file = SmtpServer::certificates() + "/another-ca.pem";
  auto delivery = deliver(wrong);
  EXPECT_EQ(delivery.outcome, Outcome::kUnavailable);
  EXPECT_THAT(delivery.reply, HasSubstr("the certificate is not by the authority in ca_file"));
  wrong.ca_file.clear();
  delivery = deliver(wrong);
  EXPECT_EQ(delivery.outcome, Outcome::kUnavailable);
  EXPECT_THAT(delivery.reply, HasSubstr("name its authority in ca_file"));
  EXPECT_EQ(server.mails(), 0);
}

TEST_P(SmtpOverTls, AuthoritiesThatCannotBeReadAreNamed) {
  const SmtpServer server(options());
  const kinbox::testing::TemporaryDirectory directory;
  auto wrong = settings(server);
  wrong.ca_file = (directory / "ca.pem").string();
  std::ofstream(wrong.ca_file) << "-----BEGIN CERTIFICATE-----\nnone\n-----END CERTIFICATE-----\n";
  const auto delivery = deliver(wrong);
  EXPECT_EQ(delivery.outcome, Outcome::kUnavailable);
  EXPECT_THAT(delivery.reply, HasSubstr("the certificates in ca_file cannot be read"));
}

TEST_P(SmtpOverTls, AnotherHostsCertificateIsNamed) {
  const SmtpServer server(options("misnamed.pem"));
  const auto delivery = deliver(settings(server));
  EXPECT_EQ(delivery.outcome, Outcome::kUnavailable);
  EXPECT_THAT(delivery.reply, HasSubstr("the certificate is for another host; look at host"));
  EXPECT_EQ(server.mails(), 0);
}

TEST_P(SmtpOverTls, AWrongPasswordIsNamedAndNotShown) {
  const SmtpServer server(options());
  auto wrong = settings(server);
  wrong.password = "hunter2";
  const auto delivery = deliver(wrong);
  EXPECT_EQ(delivery.outcome, Outcome::kUnavailable);
  EXPECT_THAT(delivery.reply,
              AllOf(HasSubstr("the login is refused; look at user and password: 535"),
                    Not(HasSubstr("hunter2"))));
}

TEST_P(SmtpOverTls, AMissingLoginIsNamed) {
  const SmtpServer server(options());
  auto without = settings(server);
  without.user.clear();
  without.password.clear();
  const auto delivery = deliver(without);
  EXPECT_EQ(delivery.outcome, Outcome::kUnavailable);
  EXPECT_THAT(delivery.reply,
              HasSubstr("the server wants a login; look at user and password: 530"));
}

INSTANTIATE_TEST_SUITE_P(By, SmtpOverTls, ::testing::Values(Tls::kStartTls, Tls::kImplicit),
                         [](const auto& by) {
                           return by.param == Tls::kStartTls ? "StartTls" : "Tls";
                         });

TEST_F(Smtp, AServerWithoutStartTlsGetsNoMail) {
  const SmtpServer server;
  auto settings = plain(server.port());
  settings.security = Security::kStartTls;
  auto delivery = make_smtp(settings)->deliver(parcel("zoe@example.org"), yes);
  EXPECT_EQ(delivery.outcome, Outcome::kUnavailable);
  EXPECT_THAT(delivery.reply,
              HasSubstr("the server offers no STARTTLS; look at port and security"));
  settings.security = Security::kTls;
  delivery = make_smtp(settings)->deliver(parcel("zoe@example.org"), yes);
  EXPECT_EQ(delivery.outcome, Outcome::kUnavailable);
  EXPECT_THAT(delivery.reply, HasSubstr("TLS cannot be started; look at port and security"));
  EXPECT_EQ(server.mails(), 0);
}

TEST_F(Smtp, AServerCanBeTriedWithoutAMail) {
  const auto authority = SmtpServer::certificates() + "/ca.pem";
  const SmtpServer server(
      {.tls = Tls::kStartTls, .certificate = "broker.pem", .login = "shop:secret"});
  auto settings = plain(server.port());
  settings.host = "localhost";
  settings.security = Security::kStartTls;
  settings.ca_file = authority;
  settings.user = "shop";
  settings.password = "secret";
  EXPECT_THAT(try_smtp(settings), HasSubstr("EHLO, STARTTLS, login accepted"));
  settings.password = "wrong";
  EXPECT_THAT([&] { try_smtp(settings); },
              ThrowsMessage<InfrastructureError>(HasSubstr("the login is refused")));
  EXPECT_EQ(server.mails(), 0);

  const SmtpServer open;
  EXPECT_THAT(try_smtp(plain(open.port())), HasSubstr("EHLO, not encrypted, no login"));
  auto wants_tls = plain(open.port());
  wants_tls.security = Security::kStartTls;
  EXPECT_THAT([&] { try_smtp(wants_tls); },
              ThrowsMessage<InfrastructureError>(HasSubstr("offers no STARTTLS")));
}

}  // namespace
}  // namespace kinbox::email

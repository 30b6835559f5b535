#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "kafka/connection_trouble.hpp"
#include "kafka/voice.hpp"
#include "support/kafka.hpp"

namespace kinbox::kafka {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr int kDebian12 = 0x020002ff;
constexpr int kMended = 0x020601ff;

std::string explained(std::string_view text) { return explain_connection_error(text, kMended); }

TEST(ConnectionTrouble, NamesTheSettingBehindWhatLibrdkafkaSays) {
  const std::pair<const char*, const char*> cases[] = {
      {"b: SASL authentication error: Authentication failed: Invalid username or password",
       "sasl.username and sasl.password"},
      {"b: SASL PLAIN mechanism handshake failed: Broker: Unsupported SASL mechanism",
       "check sasl.mechanism"},
      {"b: Receive failed: tlsv13 alert certificate required: SSL alert number 116",
       "set ssl.certificate.location"},
      {"b: SSL handshake failed: unexpected message: client SSL authentication might be required",
       "set ssl.certificate.location"},
      {"b: sslv3 alert bad certificate: SSL alert number 42", "set ssl.certificate.location"},
      {"b: tlsv1 alert unknown ca: SSL alert number 48", "set ssl.certificate.location"},
      {"b: SSL handshake failed: error:0A00010B:SSL routines::wrong version number",
       "does not speak TLS"},
      {"b: error:0A000126:SSL routines::unexpected eof while reading", "does not speak TLS"},
      {"b: Disconnected: SSL connection closed by peer (after 4ms in state SSL_HANDSHAKE)",
       "does not speak TLS"},
      {"b: SSL handshake failed: Disconnected: connecting to a PLAINTEXT broker listener?",
       "does not speak TLS"},
      {"b: Disconnected while requesting ApiVersion: might be", "check security.protocol"},
      {"b: Disconnected: verify that security.protocol is correctly configured, broker might "
       "require SASL authentication",
       "check security.protocol"},
      {"b: ApiVersionRequest failed: Local: Timed out", "is no Kafka broker's"},
      {"b: Failed to resolve 'b:9092': Name or service not known", "advertised.listeners"},
      {"b: Connect to ipv4#127.0.0.1:1 failed: Connection refused", "that the broker runs"},
      {"b: Connection setup timed out in state CONNECT", "that the broker runs"},
  };
  for (const auto& [text, advice] : cases)
    EXPECT_THAT(explained(text), AllOf(HasSubstr(text), HasSubstr(advice)));
}

TEST(ConnectionTrouble, LeavesOtherTextsAlone) {
  EXPECT_EQ(explained("2/3 brokers are down"), "2/3 brokers are down");
}

TEST(ConnectionTrouble, AFirstAnswerThatIsNoFrameComesFromNoBroker) {
  const auto text = explained(
      "b:80/bootstrap: Receive failed: Invalid response size 1213486160 (0..100000000): increase "
      "receive.message.max.bytes (after 3ms in state APIVERSION_QUERY)");
  EXPECT_THAT(text, AllOf(HasSubstr("b:80/bootstrap: what answers there is no Kafka broker"),
                          HasSubstr("bootstrap.servers"), Not(HasSubstr("increase"))));
  EXPECT_THAT(explained("b: Receive failed: Invalid response size 200000000 (0..100000000): "
                        "increase receive.message.max.bytes (after 3ms in state UP)"),
              HasSubstr("increase receive.message.max.bytes"));
}

TEST(ConnectionTrouble, ScramOfAnOldLibraryIsNotBlamedOnThePasswordAlone) {
  constexpr auto* kText =
      "b: SASL authentication error: Authentication failed during authentication due to invalid "
      "credentials with SASL mechanism SCRAM-SHA-256";
  EXPECT_THAT(explain_connection_error(kText, kDebian12), HasSubstr("older than 2.6.1"));
  EXPECT_THAT(explain_connection_error(kText, kMended), Not(HasSubstr("2.6.1")));
}

TEST(ConnectionTrouble, ACertificatesReasonDecidesTheSetting) {
  for (const int authority : {2, 18, 19, 20, 21})
    EXPECT_THAT(explain_certificate(authority), HasSubstr("set ssl.ca.location"));
  for (const int name : {62, 64})
    EXPECT_THAT(explain_certificate(name), HasSubstr("ssl.endpoint.identification.algorithm"));
  for (const int time : {9, 10}) EXPECT_THAT(explain_certificate(time), HasSubstr("clock"));
  EXPECT_THAT(explain_certificate(26), HasSubstr("X.509 error 26"));
}

TEST(ConnectionTrouble, TheCertificatesReasonReplacesTheErrorThatFollows) {
  kinbox::testing::LibraryMessages messages;
  Voice voice(messages);
  voice.log(3, kCertificate,
            "[thrd:x]: ssl://b:1/1: Certificate (subject=/CN=x, issuer=/CN=y) verification "
            "callback failed: it is for another host");
  EXPECT_EQ(messages.all_text(), "");
  EXPECT_EQ(voice.last_trouble(), "");
  voice.error(nullptr, RD_KAFKA_RESP_ERR__SSL,
              "ssl://b:1/1: SSL handshake failed: certificate verify failed: ssl.ca.location");
  EXPECT_EQ(messages.all_text(), "3 ssl://b:1/1: it is for another host\n");
  voice.error(nullptr, RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN, "1/1 brokers are down");
  EXPECT_EQ(voice.last_trouble(), ": ssl://b:1/1: it is for another host")
      << "that all are down says nothing about why";
}

}  // namespace
}  // namespace kinbox::kafka

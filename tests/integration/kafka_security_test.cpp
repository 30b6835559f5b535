#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <librdkafka/rdkafka.h>

#include <csignal>
#include <fstream>

#include "kinbox/kafka/admin.hpp"
#include "kinbox/sqlite/database.hpp"
#include "support/child_process.hpp"
#include "support/kafka.hpp"
#include "support/secure_kafka.hpp"
#include "support/temporary_directory.hpp"
#include "support/unique_name.hpp"

namespace kinbox::testing {
namespace {

using namespace std::chrono_literals;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;
using Settings = SecureKafka::Settings;

constexpr auto kErr = ChildProcess::Stream::kErr;

/// librdkafka 2.0.2 says its nonce twice, which Kafka 4 does not let pass.
bool scram_works() { return rd_kafka_version() >= 0x020601ff; }

/// The program on the broker's guarded listeners, with settings from its configuration file.
class KafkaSecurity : public ::testing::Test {
 protected:
  void SetUp() override {
    KINBOX_REQUIRE_SERVICE(SecureKafka);
    kafka_.emplace(SecureKafka::get());
    admin_.emplace(kafka::Settings({{"bootstrap.servers", KafkaService::get().brokers()}}));
  }

  void configure(const Settings& settings) {
    std::ofstream out(config_);
    out << "kafka:\n";
    for (const auto& [key, value] : settings) out << "  " << key << ": '" << value << "'\n";
    out << "database: {sqlite: k.db}\n"
        << "consumers:\n  - {name: orders, group: " << topic_ << ", topics: [" << topic_
        << "], handlers: [order_view]}\nlog: {level: debug}\n";
  }

  std::unique_ptr<ChildProcess> start(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), KINBOX_BINARY_DIR "/kinbox");
    arguments.insert(arguments.end(), {"--config", config_.string()});
    return std::make_unique<ChildProcess>(arguments);
  }

  /// Exit code; what it said is in `said_`.
  int run(const std::vector<std::string>& arguments) {
    const auto child = start(arguments);
    const auto status = child->wait_for(60s);
    said_ = child->output() + child->output(kErr);
    return status && status->code ? *status->code : -1;
  }

  void send_an_order_and_a_poison() {
    admin_->create_topic({.name = topic_, .partitions = 1});
    admin_->create_topic({.name = "dlq." + topic_ + "." + topic_, .partitions = 1});
    produce(
        KafkaService::get().brokers(),
        std::vector<OwnedRecord>{text_record(topic_, 0,
                                             R"({"eventId":"e-1","eventType":"ORDER_CREATED",)"
                                             R"("orderId":"o-1","buyerId":"b","sellerIds":["s"],)"
                                             R"("totalAmount":1.50,"orderNumber":"n"})"),
                                 text_record(topic_, 0, "poison")});
  }

  std::int64_t number(const std::string& sql) {
    const auto database = sqlite::open({.path = (directory_ / "k.db").string(), .create = false});
    return database->begin()->query(sql)[0].get<std::int64_t>(0);
  }

  void expect_consumed() {
    send_an_order_and_a_poison();
    ASSERT_EQ(run({"run", "--until-idle"}), 0) << said_;
    EXPECT_EQ(number("SELECT count(*) FROM order_view"), 1);
    EXPECT_EQ(number("SELECT count(*) FROM dead_letters"), 1);
    EXPECT_EQ(number("SELECT count(*) FROM outbox WHERE state = 'pending'"), 0) << said_;
    ASSERT_EQ(run({"status", "-o", "jsonl", "--kafka-timeout", "10s"}), 0);
    EXPECT_THAT(said_, HasSubstr("\"lag\":0")) << "status reaches the broker too";
  }

  /// `run --until-idle` ends with 69 and this text.
  void expect_unreachable(const Settings& settings, const ::testing::Matcher<std::string>& text) {
    configure(settings);
    EXPECT_EQ(run({"run", "--until-idle"}), 69);
    EXPECT_THAT(said_, text);
  }

  std::optional<SecureKafka> kafka_;
  std::optional<kafka::Admin> admin_;
  TemporaryDirectory directory_;
  std::filesystem::path config_ = directory_ / "kinbox.yaml";
  std::string topic_ = unique_name("secure");
  std::string said_;
};

TEST_F(KafkaSecurity, ConsumesAndRelaysOverTls) {
  configure(kafka_->tls());
  expect_consumed();
}

TEST_F(KafkaSecurity, ConsumesAndRelaysWithACertificateOfItsOwn) {
  configure(kafka_->mutual());
  expect_consumed();
  EXPECT_THAT(said_, Not(HasSubstr(kafka_->key_password())));
}

TEST_F(KafkaSecurity, ConsumesAndRelaysWithAPassword) {
  configure(kafka_->sasl("PLAIN"));
  expect_consumed();
  EXPECT_THAT(said_, Not(HasSubstr(kafka_->password())));
}

TEST_F(KafkaSecurity, ConsumesAndRelaysWithAPasswordFromAFile) {
  auto settings = kafka_->sasl("PLAIN");
  std::ofstream(directory_ / "kafka-password") << settings["sasl.password"] << '\n';
  settings["sasl.password"] = "wrong";
  settings["sasl_password_file"] = "kafka-password";
  configure(settings);
  expect_consumed();
}

TEST_F(KafkaSecurity, ConsumesAndRelaysWithScramOrSaysThatTheLibraryCannot) {
  for (const auto* mechanism : {"SCRAM-SHA-256", "SCRAM-SHA-512"}) {
    topic_ = unique_name("secure");
    std::filesystem::remove(directory_ / "k.db");
    configure(kafka_->sasl(mechanism));
    if (scram_works()) {
      expect_consumed();
      continue;
    }
    EXPECT_EQ(run({"config", "check"}), 0);
    EXPECT_THAT(said_, AllOf(HasSubstr(mechanism), HasSubstr("use librdkafka 2.6.1 or newer")));
    expect_unreachable(kafka_->sasl(mechanism),
                       AllOf(HasSubstr("older than 2.6.1"), HasSubstr("sasl.mechanism: PLAIN")));
  }
}

TEST_F(KafkaSecurity, AWrongPasswordNamesTheSettingsAndIsNotPrinted) {
  for (const auto* mechanism : {"PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"}) {
    auto settings = kafka_->sasl(mechanism);
    settings["sasl.password"] = "not-that-one";
    expect_unreachable(settings, AllOf(HasSubstr("sasl.username and sasl.password"),
                                       Not(HasSubstr("not-that-one"))));
  }
}

TEST_F(KafkaSecurity, AWrongAuthorityNamesTheSetting) {
  auto settings = kafka_->tls();
  settings["ssl.ca.location"] = kafka_->file("another-ca.pem");
  expect_unreachable(
      settings, AllOf(HasSubstr("no authority that we trust"), HasSubstr("set ssl.ca.location"),
                      Not(HasSubstr("install ca-certificates"))));
}

TEST_F(KafkaSecurity, NoAuthorityAtAllNamesTheSetting) {
  auto settings = kafka_->tls();
  settings.erase("ssl.ca.location");
  expect_unreachable(settings, HasSubstr("set ssl.ca.location"));
}

TEST_F(KafkaSecurity, ACertificateForAnotherHostNamesTheSettings) {
  expect_unreachable(
      kafka_->misnamed(),
      AllOf(HasSubstr("for another host"), HasSubstr("bootstrap.servers"),
            HasSubstr("ssl.endpoint.identification.algorithm"), Not(HasSubstr("ssl.ca.location"))));
}

TEST_F(KafkaSecurity, ACertificateForAnotherHostPassesWhenTheConfigurationSaysSo) {
  auto settings = kafka_->misnamed();
  settings["ssl.endpoint.identification.algorithm"] = "none";
  configure(settings);
  expect_consumed();
}

TEST_F(KafkaSecurity, VerificationStaysOffWhereTheConfigurationSwitchesItOff) {
  auto settings = kafka_->misnamed();
  settings["ssl.ca.location"] = kafka_->file("another-ca.pem");
  settings["enable.ssl.certificate.verification"] = "false";
  configure(settings);
  expect_consumed();
}

TEST_F(KafkaSecurity, AMissingClientCertificateNamesTheSettings) {
  auto settings = kafka_->mutual();
  for (const auto* key : {"ssl.certificate.location", "ssl.key.location", "ssl.key.password"})
    settings.erase(key);
  expect_unreachable(settings, HasSubstr("set ssl.certificate.location and ssl.key.location"));
}

TEST_F(KafkaSecurity, AMechanismThatTheBrokerDoesNotHaveIsNamed) {
  auto settings = kafka_->sasl("PLAIN");
  settings["bootstrap.servers"] = KafkaService::get().brokers();
  settings["security.protocol"] = "SASL_PLAINTEXT";
  expect_unreachable(settings, HasSubstr("check sasl.mechanism and security.protocol"));
}

TEST_F(KafkaSecurity, TheWrongProtocolForAListenerNamesTheSetting) {
  expect_unreachable({{"bootstrap.servers", kafka_->tls()["bootstrap.servers"]}},
                     HasSubstr("check security.protocol"));
  auto to_sasl = kafka_->sasl("PLAIN");
  for (const auto* key : {"sasl.mechanism", "sasl.username", "sasl.password"}) to_sasl.erase(key);
  to_sasl["security.protocol"] = "SSL";
  expect_unreachable(to_sasl, HasSubstr("check security.protocol"));
  auto to_plain = kafka_->tls();
  to_plain["bootstrap.servers"] = KafkaService::get().brokers();
  expect_unreachable(to_plain,
                     AllOf(HasSubstr("does not speak TLS"), HasSubstr("check security.protocol")));
}

TEST_F(KafkaSecurity, AFileThatIsMissingIsAConfigurationErrorWithItsName) {
  for (const auto* key : {"ssl.ca.location", "ssl.certificate.location", "ssl.key.location"}) {
    auto settings = kafka_->mutual();
    settings[key] = "/nowhere/to/be.pem";
    configure(settings);
    for (const auto& command : {std::vector<std::string>{"config", "check"}, {"run"}}) {
      EXPECT_EQ(run(command), 78);
      EXPECT_THAT(said_, AllOf(HasSubstr(key), HasSubstr("cannot read /nowhere/to/be.pem")));
    }
  }
}

TEST_F(KafkaSecurity, AWrongKeyPasswordIsAConfigurationErrorAndIsNotPrinted) {
  auto settings = kafka_->mutual();
  settings["ssl.key.password"] = "not-that-one";
  configure(settings);
  EXPECT_EQ(run({"config", "check"}), 78);
  EXPECT_THAT(said_, AllOf(HasSubstr("ssl.key.password"), Not(HasSubstr("not-that-one"))));
}

TEST_F(KafkaSecurity, APasswordFileThatIsMissingIsAConfigurationErrorWithItsName) {
  auto settings = kafka_->sasl("PLAIN");
  settings["sasl_password_file"] = "/nowhere/password";
  configure(settings);
  EXPECT_EQ(run({"config", "check"}), 78);
  EXPECT_THAT(said_, HasSubstr("kafka.sasl_password_file: cannot read /nowhere/password"));
}

TEST_F(KafkaSecurity, ShowsNoSecrets) {
  auto settings = kafka_->sasl("PLAIN");
  settings.merge(kafka_->mutual());
  configure(settings);
  ASSERT_EQ(run({"config", "show"}), 0);
  EXPECT_THAT(said_,
              AllOf(HasSubstr("kafka.sasl.password"), HasSubstr("kafka.ssl.key.password"),
                    Not(HasSubstr(kafka_->password())), Not(HasSubstr(kafka_->key_password()))));
}

TEST_F(KafkaSecurity, ARunThatWaitsForTheBrokerSaysWhyInItsLog) {
  configure(kafka_->misnamed());
  const auto child = start({"run"});
  EXPECT_TRUE(child->wait_for_line("ssl.endpoint.identification.algorithm", 30s, kErr))
      << child->output(kErr);
  child->signal(SIGTERM);
  const auto status = child->wait_for(30s);
  ASSERT_TRUE(status);
  EXPECT_EQ(status->code, 0) << child->output(kErr);
}

TEST_F(KafkaSecurity, StatusSaysWhyItKnowsNoEnds) {
  configure(kafka_->tls());
  expect_consumed();
  configure(kafka_->misnamed());
  ASSERT_EQ(run({"status"}), 0);
  EXPECT_THAT(said_, HasSubstr("ssl.endpoint.identification.algorithm"));
}

}  // namespace
}  // namespace kinbox::testing

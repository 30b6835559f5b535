#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <librdkafka/rdkafka.h>

#include <array>
#include <memory>

#include "kafka/client_config.hpp"
#include "kafka/known_settings.hpp"
#include "kinbox/errors.hpp"
#include "kinbox/kafka/settings.hpp"

namespace kinbox::kafka {
namespace {

using ::testing::AllOf;
using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::Not;
using Values = std::map<std::string, std::string>;

/// What the user reads; empty if the settings are accepted.
std::string refusal(const Values& values, Settings::Unsafe unsafe = Settings::Unsafe::kRefuse) {
  try {
    const Settings settings(values, unsafe);
    return {};
  } catch (const ConfigurationError& e) {
    return e.what();
  }
}

std::string value_in(const ConfHandle& conf, const char* key) {
  std::array<char, 512> value{};
  auto size = value.size();
  if (rd_kafka_conf_get(conf.get(), key, value.data(), &size) != RD_KAFKA_CONF_OK) return "unknown";
  return value.data();
}

const Values kBroker{{"bootstrap.servers", "localhost:9092"}};

Values with_broker(Values more) {
  more.insert(kBroker.begin(), kBroker.end());
  return more;
}

TEST(KafkaSettings, PassThroughWhatLibrdkafkaKnows) {
  const Values values{{"bootstrap.servers", "b:1"},  {"sasl.mechanisms", "PLAIN"},
                      {"sasl.password", "secret"},   {"session.timeout.ms", "10000"},
                      {"compression.codec", "gzip"}, {"message.timeout.ms", "1000"}};
  EXPECT_EQ(Settings(values).values(), values);
}

TEST(KafkaSettings, RefuseWhatKinboxDecides) {
  for (const auto* key :
       {"enable.auto.commit", "auto.commit.enable", "enable.auto.offset.store", "auto.offset.reset",
        "isolation.level", "enable.partition.eof", "group.id", "rebalance_cb", "log_cb", "some_cb",
        "enable.idempotence", "acks", "request.required.acks", "transactional.id", "log.queue",
        "delivery.report.only.error", "offset.store.method", "interceptors"})
    EXPECT_THAT(refusal({{key, "x"}}), HasSubstr(std::string("kafka setting \"") + key + "\": "));
  EXPECT_THAT(refusal({{"auto.offset.reset", "earliest"}}),
              HasSubstr("initial: earliest | latest"));
}

TEST(KafkaSettings, RefuseWhatLoadsCodeUnlessAllowed) {
  for (const auto* key : {"plugin.library.paths", "sasl.kerberos.kinit.cmd", "ssl.engine.location",
                          "ssl.engine.id", "ssl.providers"}) {
    EXPECT_THAT(refusal({{key, "x"}}), HasSubstr("allow_unsafe: true"));
    EXPECT_EQ(refusal({{key, "x"}}, Settings::Unsafe::kAllow), "");
  }
  EXPECT_THAT(refusal({{"acks", "0"}}, Settings::Unsafe::kAllow), HasSubstr("\"acks\""));
}

TEST(KafkaSettings, ExplainSettingsOfTheJavaClient) {
  EXPECT_THAT(refusal({{"ssl.truststore.location", "t.jks"}}),
              AllOf(HasSubstr("PEM"), HasSubstr("ssl.ca.location")));
  EXPECT_THAT(refusal({{"sasl.jaas.config", "x"}}), HasSubstr("sasl.username"));
  EXPECT_THAT(refusal({{"max.poll.records", "9"}}), HasSubstr("max_batch"));
}

TEST(KafkaSettings, NameTheNearestKeyOfATypo) {
  EXPECT_THAT(refusal({{"bootstrap.server", "b:1"}}),
              HasSubstr("does not know it; did you mean \"bootstrap.servers\"?"));
  EXPECT_THAT(refusal({{"request.required.ack", "1"}}), HasSubstr("\"request.required.acks\""));
  EXPECT_THAT(refusal({{"qqqqqqqqqqqqqqqqqqqq", "1"}}), Not(HasSubstr("did you mean")));
}

TEST(KafkaSettings, NameTheKeyOfABadValueAndKeepSecrets) {
  EXPECT_THAT(refusal({{"session.timeout.ms", "soon"}}), HasSubstr("\"session.timeout.ms\""));
  const auto text = refusal({{"sasl.oauthbearer.client.secret", "hunter2"}});
  EXPECT_THAT(text, Not(HasSubstr("hunter2")));
}

TEST(KafkaSettings, SecretsAreKnownByTheirNames) {
  for (const auto* key :
       {"sasl.username", "sasl.password", "sasl.oauthbearer.config",
        "sasl.oauthbearer.client.secret", "sasl.oauthbearer.assertion.private.key.file",
        "ssl.key.location", "ssl.key.password", "ssl.key.pem", "ssl.ca.pem",
        "ssl.keystore.password", "sasl.jaas.config"})
    EXPECT_TRUE(is_secret(key)) << key;
  for (const auto* key : {"bootstrap.servers", "sasl.mechanisms", "ssl.ca.location", "client.id",
                          "ssl.certificate.location", "group.instance.id"})
    EXPECT_FALSE(is_secret(key)) << key;
}

TEST(KafkaSettings, AliasesAreKnownToo) {
  EXPECT_THAT(known_settings(), Contains("sasl.mechanism"));
  EXPECT_THAT(known_settings(), Contains("bootstrap.servers"));
  EXPECT_THAT(known_settings(), Contains("message.timeout.ms"));
  EXPECT_THAT(known_settings(), Not(Contains("Property")));
}

TEST(KafkaClientConfig, KinboxsOwnSettingsStand) {
  const auto consumer = consumer_conf(Settings(kBroker), "g");
  EXPECT_EQ(value_in(consumer, "group.id"), "g");
  EXPECT_EQ(value_in(consumer, "enable.auto.commit"), "false");
  EXPECT_EQ(value_in(consumer, "enable.auto.offset.store"), "false");
  EXPECT_EQ(value_in(consumer, "isolation.level"), "read_committed");
  EXPECT_EQ(value_in(consumer, "enable.partition.eof"), "true");
  EXPECT_EQ(value_in(consumer, "auto.offset.reset"), "error");
  const auto producer = producer_conf(Settings(kBroker));
  EXPECT_EQ(value_in(producer, "enable.idempotence"), "true");
  EXPECT_EQ(value_in(producer, "acks"), "-1");
}

TEST(KafkaClientConfig, TheUserOverridesDefaultsAlsoByAlias) {
  EXPECT_EQ(value_in(consumer_conf(Settings(kBroker), "g"), "socket.timeout.ms"), "10000");
  EXPECT_EQ(value_in(consumer_conf(Settings(with_broker({{"socket.timeout.ms", "2000"}})), "g"),
                     "socket.timeout.ms"),
            "2000");
  EXPECT_EQ(value_in(producer_conf(Settings(kBroker)), "message.timeout.ms"), "30000");
  EXPECT_EQ(value_in(producer_conf(Settings(with_broker({{"delivery.timeout.ms", "9000"}}))),
                     "message.timeout.ms"),
            "9000");
}

TEST(KafkaClientConfig, PrefetchIsBounded) {
  EXPECT_EQ(value_in(consumer_conf(Settings(kBroker), "g"), "queued.max.messages.kbytes"), "65536");
  EXPECT_EQ(value_in(consumer_conf(Settings(kBroker), "g"), "queued.min.messages"), "120000");
}

TEST(KafkaClientConfig, TheAssignmentStrategyFollowsTheLibrary) {
  EXPECT_STREQ(default_assignment_strategy(0x020002ff), "range,roundrobin");
  EXPECT_STREQ(default_assignment_strategy(0x020a00ff), "range,roundrobin");
  EXPECT_STREQ(default_assignment_strategy(0x020a01ff), "cooperative-sticky");
  EXPECT_STREQ(default_assignment_strategy(0x020e02ff), "cooperative-sticky");
  EXPECT_EQ(value_in(consumer_conf(Settings(kBroker), "g"), "partition.assignment.strategy"),
            default_assignment_strategy(rd_kafka_version()));
  EXPECT_EQ(
      value_in(consumer_conf(
                   Settings(with_broker({{"partition.assignment.strategy", "roundrobin"}})), "g"),
               "partition.assignment.strategy"),
      "roundrobin");
}

TEST(KafkaClientConfig, ABrokerMustBeNamed) {
  try {
    consumer_conf(Settings(), "g");
    FAIL() << "accepted";
  } catch (const ConfigurationError& e) {
    EXPECT_THAT(e.what(), HasSubstr("bootstrap.servers"));
  }
}

TEST(KafkaClientConfig, SettingsThatDoNotGoTogetherAreRefusedAtTheStart) {
  auto conf = consumer_conf(Settings(with_broker({{"max.poll.interval.ms", "1000"}})), "g");
  try {
    start_client(RD_KAFKA_CONSUMER, std::move(conf));
    FAIL() << "accepted";
  } catch (const ConfigurationError& e) {
    EXPECT_THAT(e.what(), HasSubstr("max.poll.interval.ms"));
  }
}

}  // namespace
}  // namespace kinbox::kafka

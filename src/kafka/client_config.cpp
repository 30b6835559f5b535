#include "kafka/client_config.hpp"

#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <span>
#include <string_view>

#include "kafka/connection_trouble.hpp"
#include "kafka/group_rules.hpp"
#include "kinbox/errors.hpp"

namespace kinbox::kafka {
namespace {

struct Default {
  const char* key;
  const char* value;
  /// A user who writes this key (an alias) has decided as well.
  const char* alias = nullptr;
};

constexpr auto kCommon = std::to_array<Default>({
    {"client.id", "kinbox"},
    // The settings are shared by consumers and producers; each would warn about the other's.
    {"log.configuration.warnings", "false"},
    // Bounds what a silent broker can hold up.
    {"socket.timeout.ms", "10000"},
    {"socket.keepalive.enable", "true"},
    // Off by default only from 2.10 on; costs 40 ms per small request.
    {"socket.nagle.disable", "true"},
    // Topics and partitions that appear later are found within this time; the default is five
    // minutes.
    {"topic.metadata.refresh.interval.ms", "10000"},
});

constexpr auto kConsumer = std::to_array<Default>({
    // Bounds the prefetched bytes of one consumer.
    {"queued.max.messages.kbytes", "65536"},
    // A prefetched record costs librdkafka some 400 bytes beside its own.
    {"queued.min.messages", "120000"},
    {"fetch.queue.backoff.ms", "10"},
    {"check.crcs", "true"},
});

constexpr auto kConsumerOwned = std::to_array<Default>({
    {"enable.auto.commit", "false"},
    {"enable.auto.offset.store", "false"},
    {"auto.offset.reset", "error"},
    {"isolation.level", "read_committed"},
    {"enable.partition.eof", "true"},
    {"log.queue", "true"},
});

constexpr auto kProducer = std::to_array<Default>({
    {"linger.ms", "1", "queue.buffering.max.ms"},
    // An unknown topic is reported after this time instead of with the message timeout.
    {"topic.metadata.propagation.max.ms", "5000"},
    {"message.timeout.ms", "30000", "delivery.timeout.ms"},
    {"queue.buffering.max.kbytes", "131072"},
    // Rows are read back with records of any size the consumers took; the broker has the last word.
    {"message.max.bytes", "100000000"},
    // The partition a Java producer would pick.
    {"partitioner", "murmur2_random"},
});

constexpr auto kProducerOwned = std::to_array<Default>({
    {"enable.idempotence", "true"},
    {"acks", "all"},
    {"delivery.report.only.error", "false"},
    {"log.queue", "true"},
});

constexpr auto kAdminOwned = std::to_array<Default>({{"log.queue", "true"}});

/// Unknown to the librdkafka that runs is no error: our defaults name settings of later versions.
void set_defaults(rd_kafka_conf_t* conf, const Settings& settings, std::span<const Default> all) {
  const auto& users = settings.values();
  for (const auto& [key, value, alias] : all)
    if (!users.contains(key) && (alias == nullptr || !users.contains(alias)))
      rd_kafka_conf_set(conf, key, value, nullptr, 0);
}

void set(rd_kafka_conf_t* conf, const std::string& key, const std::string& value) {
  std::array<char, 512> error{};
  if (rd_kafka_conf_set(conf, key.c_str(), value.c_str(), error.data(), error.size()) ==
      RD_KAFKA_CONF_OK)
    return;
  throw ConfigurationError("kafka setting \"" + key +
                           "\": " + (is_secret(key) ? "not accepted by librdkafka" : error.data()));
}

void set_owned(rd_kafka_conf_t* conf, std::span<const Default> all) {
  for (const auto& entry : all) set(conf, entry.key, entry.value);
}

void require_brokers(const Settings& settings) {
  for (const auto* key : {"bootstrap.servers", "metadata.broker.list", "test.mock.num.brokers"})
    if (settings.values().contains(key)) return;
  throw ConfigurationError(
      "no broker is named; add kafka: {bootstrap.servers: \"host:9092\"} to the configuration");
}

constexpr auto kFiles = std::to_array<const char*>({
    "ssl.ca.location",
    "ssl.certificate.location",
    "ssl.crl.location",
    "ssl.key.location",
    "ssl.keystore.location",
});

std::string value_of(const rd_kafka_conf_t* conf, const char* key) {
  std::array<char, 4096> value{};
  auto size = value.size();
  if (rd_kafka_conf_get(conf, key, value.data(), &size) != RD_KAFKA_CONF_OK) return {};
  return value.data();
}

/// librdkafka says "ssl.ca.location failed: error:05880002:x509 certificate routines::system lib".
void require_files(const rd_kafka_conf_t* conf) {
  if (!value_of(conf, "security.protocol").ends_with("ssl")) return;
  for (const auto* key : kFiles) {
    const auto file = value_of(conf, key);
    // "probe" makes librdkafka look for the system's authorities.
    if (file.empty() || file == "probe" || access(file.c_str(), R_OK) == 0) continue;
    throw ConfigurationError("kafka setting \"" + std::string(key) + "\": cannot read " + file +
                             ": " + std::strerror(errno));
  }
}

ConfHandle conf_with(const Settings& settings, std::span<const Default> defaults,
                     std::span<const Default> owned) {
  require_brokers(settings);
  ConfHandle conf(rd_kafka_conf_new());
  set_defaults(conf.get(), settings, kCommon);
  set_defaults(conf.get(), settings, defaults);
  for (const auto& [key, value] : settings.values()) set(conf.get(), key, value);
  set_owned(conf.get(), owned);
  require_files(conf.get());
  explain_certificates(conf.get());
  return conf;
}

}  // namespace

ConfHandle consumer_conf(const Settings& settings, const std::string& group,
                         const std::string& instance_id) {
  auto conf = conf_with(settings, kConsumer, kConsumerOwned);
  set(conf.get(), "group.id", group);
  if (!instance_id.empty()) set(conf.get(), kInstanceId, instance_id);
  constexpr auto* kStrategy = "partition.assignment.strategy";
  // Where the broker assigns, a strategy is refused.
  if (!settings.values().contains(kStrategy) && !broker_assigns(settings.values()))
    set(conf.get(), kStrategy, default_assignment_strategy(rd_kafka_version()));
  return conf;
}

ConfHandle producer_conf(const Settings& settings) {
  return conf_with(settings, kProducer, kProducerOwned);
}

ConfHandle admin_conf(const Settings& settings) { return conf_with(settings, {}, kAdminOwned); }

rd_kafka_t* start_client(rd_kafka_type_t type, ConfHandle conf) {
  std::array<char, 512> error{};
  rd_kafka_t* rk = rd_kafka_new(type, conf.get(), error.data(), error.size());
  if (rk == nullptr) {
    std::string why = error.data();
    if (why.starts_with("ssl.key.location failed")) why += "; check ssl.key.password";
    throw ConfigurationError("kafka settings do not go together: " + why);
  }
  conf.release();
  return rk;
}

const char* default_assignment_strategy(int library_version) {
  // Before 2.10.1 a cooperative member can lose its assignment to its own commits, spin, or abort
  // the process when closed while joining.
  constexpr int kCooperativeIsRight = 0x020a01ff;
  return library_version >= kCooperativeIsRight ? "cooperative-sticky" : "range,roundrobin";
}

}  // namespace kinbox::kafka

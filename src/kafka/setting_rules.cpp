#include "kafka/setting_rules.hpp"

#include <algorithm>
#include <array>
#include <span>

#include "kinbox/kafka/settings.hpp"

namespace kinbox::kafka {
namespace {

struct Rule {
  std::string_view key;
  std::string_view reason;
};

constexpr std::string_view kPosition =
    "the position lives in the database and is told to Kafka after each commit; remove it";
constexpr std::string_view kStart =
    "kinbox starts where its database says; for a first start use initial: earliest | latest | "
    "{since: TIME}";
constexpr std::string_view kIdempotent =
    "kinbox produces idempotently with acks=all, so that retries neither lose nor repeat; remove "
    "it";
constexpr std::string_view kInternal = "kinbox uses it itself; remove it";
constexpr std::string_view kCode = "it makes the client load code";
constexpr std::string_view kCommand = "it makes the client run a command";

constexpr auto kOwned = std::to_array<Rule>({
    {"acks", kIdempotent},
    {"auto.commit.enable", kPosition},
    {"auto.commit.interval.ms", kPosition},
    {"auto.offset.reset", kStart},
    {"default_topic_conf", kInternal},
    {"delivery.report.only.error",
     "the relay marks a row only when its delivery is reported; remove it"},
    {"enable.auto.commit", kPosition},
    {"enable.auto.offset.store", kPosition},
    {"enable.idempotence", kIdempotent},
    {"enable.partition.eof", "kinbox needs the end of a partition to be told; remove it"},
    {"enabled_events", kInternal},
    {"group.id", "the group belongs to the consumer; write it as its group"},
    {"interceptors", kInternal},
    {"isolation.level",
     "records of aborted transactions must not take effect, so it is read_committed; remove it"},
    {"log.queue", kInternal},
    {"offset.store.method", kPosition},
    {"offset.store.path", kPosition},
    {"offset.store.sync.interval.ms", kPosition},
    {"opaque", kInternal},
    {"request.required.acks", kIdempotent},
    {"ssl_engine_callback_data", kInternal},
    {"transactional.id", "kinbox uses the database's transactions, not Kafka's; remove it"},
});

constexpr auto kUnsafe = std::to_array<Rule>({
    {"plugin.library.paths", kCode},
    {"sasl.kerberos.kinit.cmd", kCommand},
    {"ssl.engine.id", kCode},
    {"ssl.engine.location", kCode},
    {"ssl.providers", kCode},
});

constexpr std::string_view kPem =
    "Java key stores cannot be read; convert to PEM (keytool -exportcert -rfc, or openssl pkcs12)";
constexpr std::string_view kBytes = "kinbox reads bytes; remove it";

constexpr auto kJava = std::to_array<Rule>({
    {"default.api.timeout.ms", "set socket.timeout.ms"},
    {"fetch.max.wait.ms", "set fetch.wait.max.ms"},
    {"key.deserializer", kBytes},
    {"key.serializer", kBytes},
    {"max.poll.records", "the batch is kinbox's: set max_batch"},
    {"sasl.client.callback.handler.class", "set sasl.mechanism with sasl.username, sasl.password"},
    {"sasl.jaas.config", "set sasl.mechanism, sasl.username and sasl.password"},
    {"sasl.login.callback.handler.class", "set sasl.oauthbearer.* settings"},
    {"ssl.keystore.certificate.chain", "set ssl.certificate.location or ssl.certificate.pem"},
    {"ssl.keystore.key", "set ssl.key.location or ssl.key.pem"},
    {"ssl.keystore.type", "ssl.keystore.location must be PKCS#12 here; remove it"},
    {"ssl.truststore.certificates", "set ssl.ca.pem"},
    {"ssl.truststore.location", kPem},
    {"ssl.truststore.password", kPem},
    {"ssl.truststore.type", kPem},
    {"value.deserializer", kBytes},
    {"value.serializer", kBytes},
});

std::optional<std::string> reason_in(std::span<const Rule> rules, std::string_view key) {
  const auto* found = std::find_if(rules.data(), rules.data() + rules.size(),
                                   [&](const Rule& rule) { return rule.key == key; });
  if (found == rules.data() + rules.size()) return std::nullopt;
  return std::string(found->reason);
}

}  // namespace

std::optional<std::string> owned_by_kinbox(std::string_view key) {
  if (key.ends_with("_cb")) return std::string(kInternal);
  return reason_in(kOwned, key);
}

std::optional<std::string> loads_code(std::string_view key) { return reason_in(kUnsafe, key); }

std::optional<std::string> java_equivalent(std::string_view key) {
  auto reason = reason_in(kJava, key);
  if (reason == kPem) return *reason + " and set ssl.ca.location";
  return reason;
}

bool is_secret(std::string_view key) {
  // By word, so that settings of later versions are covered as well; librdkafka's own list is a
  // subset.
  constexpr auto kWords =
      std::to_array<std::string_view>({"password", "secret", "pem", "token", "jaas", "username",
                                       "oauthbearer.config", "private.key", "ssl.key.location"});
  return std::any_of(kWords.begin(), kWords.end(),
                     [&](std::string_view word) { return key.find(word) != key.npos; });
}

}  // namespace kinbox::kafka

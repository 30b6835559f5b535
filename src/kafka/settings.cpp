#include "kinbox/kafka/settings.hpp"

#include <librdkafka/rdkafka.h>

#include <array>

#include "kafka/connection_trouble.hpp"
#include "kafka/group_rules.hpp"
#include "kafka/handles.hpp"
#include "kafka/known_settings.hpp"
#include "kafka/setting_rules.hpp"
#include "kinbox/errors.hpp"

namespace kinbox::kafka {
namespace {

[[noreturn]] void refuse(const std::string& key, const std::string& why) {
  throw ConfigurationError("kafka setting \"" + key + "\": " + why);
}

[[noreturn]] void refuse_unknown(const std::string& key) {
  if (const auto instead = java_equivalent(key)) refuse(key, *instead);
  std::string why = "librdkafka " + library_version() + " does not know it";
  if (const auto meant = nearest(key, known_settings()))
    why += "; did you mean \"" + *meant + "\"?";
  refuse(key, why);
}

void check_value(rd_kafka_conf_t* conf, const std::string& key, const std::string& value) {
  std::array<char, 512> error{};
  switch (rd_kafka_conf_set(conf, key.c_str(), value.c_str(), error.data(), error.size())) {
    case RD_KAFKA_CONF_OK:
      return;
    case RD_KAFKA_CONF_UNKNOWN:
      refuse_unknown(key);
    default:
      // librdkafka quotes the value.
      refuse(key, is_secret(key) ? "librdkafka does not accept its value" : error.data());
  }
}

}  // namespace

Settings::Settings(std::map<std::string, std::string> values, Unsafe unsafe)
    : values_(std::move(values)) {
  if (const auto refusal = group_refusal(values_, rd_kafka_version()))
    refuse(refusal->key, refusal->reason);
  const ConfHandle scratch(rd_kafka_conf_new());
  for (const auto& [key, value] : values_) {
    if (const auto why = owned_by_kinbox(key)) refuse(key, *why);
    const auto danger = loads_code(key);
    if (danger && unsafe == Unsafe::kRefuse)
      refuse(key, *danger + "; if that is meant, set allow_unsafe: true");
    if (java_equivalent(key)) refuse_unknown(key);
    // Setting it may already load the code.
    if (!danger) check_value(scratch.get(), key, value);
  }
}

std::vector<std::string> doubts_about(const Settings& settings) {
  std::vector<std::string> doubts;
  for (const auto* key : {"sasl.mechanism", "sasl.mechanisms"}) {
    const auto found = settings.values().find(key);
    if (found != settings.values().end() && found->second.starts_with("SCRAM") &&
        scram_is_broken(rd_kafka_version()))
      doubts.push_back(found->second + " of librdkafka " + library_version() +
                       " is refused by Kafka 4 whatever the password; there, use librdkafka 2.6.1 "
                       "or newer, or sasl.mechanism: PLAIN over TLS");
  }
  return doubts;
}

std::string library_version() { return rd_kafka_version_str(); }

}  // namespace kinbox::kafka

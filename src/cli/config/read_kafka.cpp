#include "cli/config/sections.hpp"
#include "cli/config/values.hpp"

namespace kinbox::cli {
namespace {

constexpr const char* kAllowUnsafe = "allow_unsafe_settings";
constexpr const char* kPasswordFile = "sasl_password_file";

}  // namespace

KafkaConfig read_kafka(const ConfigNode& node) {
  KafkaConfig kafka;
  for (const auto& [key, value] : node.entries()) {
    if (key == kAllowUnsafe)
      for (const auto& item : value.items()) kafka.allow_unsafe_settings.push_back(item.text());
    else if (key == kPasswordFile)
      kafka.sasl_password_file = value.text();
    else
      kafka.settings[key] = value.text();
  }
  if (!kafka.settings.contains("bootstrap.servers") &&
      !kafka.settings.contains("metadata.broker.list"))
    node.problem("names no broker; add kafka: {bootstrap.servers: host:9092}");
  for (const auto& key : kafka.allow_unsafe_settings)
    if (!kafka.settings.contains(key))
      node.problem("allows \"" + key + "\", which is not set; remove it from " + kAllowUnsafe);
  return kafka;
}

}  // namespace kinbox::cli

#include "cli/config/kafka_settings.hpp"

#include <charconv>

#include "cli/config/password_file.hpp"
#include "kinbox/errors.hpp"

namespace kinbox::cli {
namespace {

using std::chrono::milliseconds;

milliseconds setting(const KafkaConfig& kafka, const std::string& key, milliseconds otherwise) {
  const auto found = kafka.settings.find(key);
  if (found == kafka.settings.end()) return otherwise;
  const auto& text = found->second;
  milliseconds::rep count = 0;
  const auto [rest, error] = std::from_chars(text.data(), text.data() + text.size(), count);
  // What is no number librdkafka itself refuses.
  return error == std::errc{} ? milliseconds{count} : otherwise;
}

std::map<std::string, std::string> with_password(const KafkaConfig& kafka) {
  auto settings = kafka.settings;
  if (kafka.sasl_password_file)
    settings["sasl.password"] =
        read_password("kafka.sasl_password_file", *kafka.sasl_password_file);
  return settings;
}

}  // namespace

kafka::Settings make_settings(const Config& config) {
  const auto& allowed = config.kafka.allow_unsafe_settings;
  const auto all = with_password(config.kafka);
  try {
    // The allowed ones may pass, everything else is checked as if nothing were allowed.
    auto others = all;
    for (const auto& key : allowed) others.erase(key);
    const kafka::Settings checked(std::move(others));
    return allowed.empty() ? checked : kafka::Settings(all, kafka::Settings::Unsafe::kAllow);
  } catch (const ConfigurationError& e) {
    throw ConfigurationError(config.file + ": kafka: " + e.what());
  }
}

milliseconds session_timeout(const KafkaConfig& kafka) {
  return setting(kafka, "session.timeout.ms", milliseconds{45'000});
}

milliseconds max_poll_interval(const KafkaConfig& kafka) {
  return setting(kafka, "max.poll.interval.ms", milliseconds{300'000});
}

Bound handler_timeout(const ConsumerConfig& consumer, const Config& config) {
  return consumer.handler_timeout.value_or(max_poll_interval(config.kafka) / 2);
}

}  // namespace kinbox::cli

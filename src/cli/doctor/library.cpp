#include <algorithm>
#include <array>
#include <string_view>

#include "cli/doctor/examinations.hpp"

namespace kinbox::cli {
namespace {

bool is_before(const std::string& version, int major, int minor) {
  const auto dot = version.find('.');
  const auto number = [](const std::string& text) { return std::atoi(text.c_str()); };
  const int first = number(version);
  const int second = dot == version.npos ? 0 : number(version.substr(dot + 1));
  return first < major || (first == major && second < minor);
}

/// What the settings cannot do without.
std::vector<std::string> needed_features(const KafkaConfig& kafka) {
  std::vector<std::string> needed;
  const auto value = [&](const char* key) {
    const auto found = kafka.settings.find(key);
    return found == kafka.settings.end() ? std::string() : found->second;
  };
  const auto protocol = value("security.protocol");
  const auto speaks = [&](std::string_view word) {
    return std::search(protocol.begin(), protocol.end(), word.begin(), word.end(),
                       [](char a, char b) { return std::toupper(a) == b; }) != protocol.end();
  };
  if (speaks("SSL")) needed.emplace_back("ssl");
  if (!speaks("SASL")) return needed;
  const auto mechanism = value("sasl.mechanism") + value("sasl.mechanisms");
  if (mechanism.starts_with("SCRAM")) needed.emplace_back("sasl_scram");
  if (mechanism == "PLAIN") needed.emplace_back("sasl_plain");
  if (mechanism.empty() || mechanism == "GSSAPI") needed.emplace_back("sasl_gssapi");
  return needed;
}

constexpr std::array<const char*, 4> kCodecs{"gzip", "snappy", "lz4", "zstd"};

}  // namespace

void examine_library(const Config& config, const std::string& version,
                     std::span<const std::string> features, Findings& findings) {
  const auto has = [&](const std::string& feature) {
    return std::find(features.begin(), features.end(), feature) != features.end();
  };
  if (is_before(version, 2, 3))
    findings.warn(
        "librdkafka",
        version + " cannot tell a topic that was deleted and created anew from the old one",
        "use 2.3 or newer; until then give a new topic a new name");
  else
    findings.ok("librdkafka", version);
  std::string missing;
  for (const auto& feature : needed_features(config.kafka))
    if (!has(feature)) missing += (missing.empty() ? "" : ", ") + feature;
  std::string codecs;
  for (const auto* codec : kCodecs)
    if (!has(codec)) codecs += (codecs.empty() ? "" : ", ") + std::string(codec);
  if (!missing.empty())
    findings.fail("librdkafka's features", "it was built without " + missing,
                  "install a librdkafka that has it, or choose another security.protocol");
  else if (!codecs.empty())
    findings.warn("librdkafka's features",
                  "no codec for " + codecs + ": records compressed with it cannot be read",
                  "install a librdkafka that has it");
  else
    findings.ok("librdkafka's features", "all codecs, and what the settings need");
}

}  // namespace kinbox::cli

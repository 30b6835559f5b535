#include "kafka/group_rules.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <string_view>

namespace kinbox::kafka {
namespace {

constexpr auto* kProtocol = "group.protocol";

/// From this version on it is ready for production, by its makers' word.
constexpr int kBrokerAssigns = 0x020c00ff;

struct Rule {
  std::string_view key;
  std::string_view instead;
};

constexpr auto kLeftToTheBroker = std::to_array<Rule>({
    {"session.timeout.ms",
     "the broker's group.consumer.session.timeout.ms, or the group's own "
     "consumer.session.timeout.ms, decides"},
    {"heartbeat.interval.ms",
     "the broker's group.consumer.heartbeat.interval.ms, or the group's "
     "own consumer.heartbeat.interval.ms, decides"},
    {"partition.assignment.strategy",
     "the broker assigns the partitions; group.remote.assignor chooses how"},
    {"group.protocol.type", "there is only one"},
});

std::string lower(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return text;
}

std::string version_text(int version) {
  const auto part = [&](int shift) { return std::to_string((version >> shift) & 0xff); };
  return part(24) + '.' + part(16) + '.' + part(8);
}

}  // namespace

bool broker_assigns(const std::map<std::string, std::string>& settings) {
  const auto found = settings.find(kProtocol);
  return found != settings.end() && lower(found->second) == "consumer";
}

std::optional<Refusal> group_refusal(const std::map<std::string, std::string>& settings,
                                     int library_version) {
  if (!settings.contains(kProtocol)) return std::nullopt;
  const auto this_one = "; this is " + version_text(library_version);
  if (!broker_assigns(settings)) {
    // The first version that knows the key.
    if (library_version >= 0x020400ff || lower(settings.at(kProtocol)) != "classic")
      return std::nullopt;
    return Refusal{kProtocol, "librdkafka knows it from 2.4 on" + this_one +
                                  ", which has the classic protocol only: remove it"};
  }
  if (library_version < kBrokerAssigns)
    return Refusal{kProtocol, "consumer (KIP-848) needs librdkafka 2.12 or later" + this_one +
                                  "; remove it, the classic protocol does the same"};
  for (const auto& [key, instead] : kLeftToTheBroker)
    if (settings.contains(std::string(key)))
      return Refusal{std::string(key), "does not go with group.protocol: consumer, where " +
                                           std::string(instead) + "; remove it"};
  return std::nullopt;
}

}  // namespace kinbox::kafka

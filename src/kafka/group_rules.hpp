#pragma once

#include <map>
#include <optional>
#include <string>

namespace kinbox::kafka {

/// A setting that may not stand where it stands, and what to do about it.
struct Refusal {
  std::string key;
  std::string reason;
};

/// Whether the broker, instead of a member, assigns the partitions: `group.protocol: consumer`,
/// KIP-848.
bool broker_assigns(const std::map<std::string, std::string>& settings);

/// What of the settings does not go with their group protocol, or not with this version of
/// librdkafka.
std::optional<Refusal> group_refusal(const std::map<std::string, std::string>& settings,
                                     int library_version);

}  // namespace kinbox::kafka

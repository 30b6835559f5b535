#pragma once

#include <map>
#include <string>

namespace kinbox::testing {

/// For groups on the test broker that shall notice a dead member within two seconds.
inline std::map<std::string, std::string> quick_group_settings(const std::string& brokers) {
  return {{"bootstrap.servers", brokers},
          {"session.timeout.ms", "2000"},
          {"heartbeat.interval.ms", "300"},
          {"fetch.wait.max.ms", "20"}};
}

}  // namespace kinbox::testing

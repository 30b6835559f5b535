#include "cli/chosen_consumers.hpp"

#include <algorithm>

#include "cli/config/nearest.hpp"
#include "cli/usage_error.hpp"

namespace kinbox::cli {

std::vector<ConsumerConfig> chosen_consumers(const Config& config,
                                             const std::vector<std::string>& names) {
  if (names.empty()) return config.consumers;
  std::vector<ConsumerConfig> consumers;
  std::vector<std::string> known;
  for (const auto& consumer : config.consumers) {
    known.push_back(consumer.name);
    if (std::count(names.begin(), names.end(), consumer.name) > 0) consumers.push_back(consumer);
  }
  for (const auto& name : names)
    if (std::count(known.begin(), known.end(), name) == 0)
      throw UsageError("the configuration has no consumer \"" + name + "\"" +
                       suggestion(name, known));
  return consumers;
}

}  // namespace kinbox::cli

#include "cli/config/find_consumer.hpp"

#include <algorithm>
#include <vector>

#include "cli/config/nearest.hpp"
#include "cli/output/joined.hpp"
#include "cli/usage_error.hpp"

namespace kinbox::cli {

const ConsumerConfig& find_consumer(const Config& config, const std::string& name) {
  const auto& all = config.consumers;
  if (name.empty() && all.size() == 1) return all.front();
  const auto found = std::find_if(all.begin(), all.end(),
                                  [&](const auto& consumer) { return consumer.name == name; });
  if (found != all.end()) return *found;
  std::vector<std::string> names;
  for (const auto& consumer : all) names.push_back(consumer.name);
  if (name.empty())
    throw UsageError("--consumer: say which, " + config.file + " has " + joined(names));
  throw UsageError("--consumer: " + config.file + " has no consumer \"" + name + '"' +
                   suggestion(name, names));
}

}  // namespace kinbox::cli

#include "cli/invocation.hpp"

#include "cli/config/load.hpp"

namespace kinbox::cli {

Config Invocation::load() const {
  if (!config_file.empty()) return load_config(config_file, environment);
  const auto variable = environment.find("KINBOX_CONFIG");
  const bool given = variable != environment.end() && !variable->second.empty();
  return load_config(given ? variable->second : "kinbox.yaml", environment);
}

bool Invocation::no_color() const {
  const auto variable = environment.find("NO_COLOR");
  return variable != environment.end() && !variable->second.empty();
}

}  // namespace kinbox::cli

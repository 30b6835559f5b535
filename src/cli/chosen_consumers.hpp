#pragma once

#include <string>
#include <vector>

#include "cli/config/config.hpp"

namespace kinbox::cli {

/// Those of the configuration that are named; all without a name. Throws UsageError on a name that
/// is none.
std::vector<ConsumerConfig> chosen_consumers(const Config& config,
                                             const std::vector<std::string>& names);

}  // namespace kinbox::cli

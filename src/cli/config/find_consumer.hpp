#pragma once

#include <string>

#include "cli/config/config.hpp"

namespace kinbox::cli {

/// The consumer that `--consumer` names; the only one there is if it names none. Throws UsageError
/// when the configuration does not have it, or has several to choose from.
const ConsumerConfig& find_consumer(const Config& config, const std::string& name);

}  // namespace kinbox::cli

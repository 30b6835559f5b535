#pragma once

#include <span>

#include "cli/config/config.hpp"
#include "kinbox/kafka/settings.hpp"

namespace kinbox::cli {

/// For runs that end by themselves: without a broker or a topic they would wait for ever. Throws
/// InfrastructureError naming what is missing.
void require_topics(const kafka::Settings& settings, std::span<const ConsumerConfig> consumers);

}  // namespace kinbox::cli

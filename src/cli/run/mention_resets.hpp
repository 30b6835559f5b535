#pragma once

#include <span>

#include "cli/config/config.hpp"
#include "kinbox/database.hpp"
#include "kinbox/kafka/settings.hpp"
#include "kinbox/observe/log.hpp"

namespace kinbox::cli {

/// Warns of group offsets that somebody reset with Kafka's own tools: a run goes on at the
/// database's positions, and the first thing it tells Kafka makes the reset disappear. To be called
/// before the workers start; if Kafka does not answer within some seconds, that is said instead.
void mention_resets(std::span<const ConsumerConfig> consumers, const DatabaseFactory& databases,
                    const kafka::Settings& settings, observe::Log& log);

}  // namespace kinbox::cli

#pragma once

#include <span>

#include "cli/config/config.hpp"
#include "cli/run/prepare_database.hpp"
#include "cli/run/stop_signals.hpp"
#include "kinbox/database.hpp"
#include "kinbox/kafka/settings.hpp"
#include "kinbox/observe/log.hpp"

namespace kinbox::cli {

/// What `run` says of windows that are shorter than topics keep their records. With `strict: true`
/// it waits for Kafka's answer, as patiently as for the database, and throws RefusedError; else it
/// says so, also when Kafka does not answer at once. False when a signal came while it waited.
bool check_windows(const RetentionConfig& retention, std::span<const ConsumerConfig> consumers,
                   const DatabaseFactory& databases, const kafka::Settings& settings,
                   Patience patience, StopSignals& signals, observe::Log& log);

}  // namespace kinbox::cli

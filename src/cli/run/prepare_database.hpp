#pragma once

#include <span>

#include "cli/config/config.hpp"
#include "cli/run/stop_signals.hpp"
#include "kinbox/database.hpp"
#include "kinbox/handler.hpp"
#include "kinbox/observe/log.hpp"

namespace kinbox::cli {

enum class Patience {
  /// A consumer must survive being started before its database: try for ever, and say so.
  kForEver,
  /// InfrastructureError at the first refusal, for what is expected to end soon.
  kNone,
};

/// Brings the schema up (SQLite, or `migrate: auto`) or demands that it is current, and refuses an
/// unsafe database. False when a signal came while it waited. Throws RefusedError.
bool prepare_database(const Config& config, std::span<const HandlerSpec> handlers,
                      const DatabaseFactory& factory, Patience patience, StopSignals& signals,
                      observe::Log& log);

}  // namespace kinbox::cli

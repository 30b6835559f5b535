#pragma once

#include <cstdint>
#include <optional>

#include "cli/invocation.hpp"

namespace kinbox::cli {

struct ReplayPace {
  /// Records per second.
  std::optional<double> rate;
};

/// Runs a recorded replay to its end, or until somebody stops it: SIGINT and SIGTERM leave it
/// running, for the next one who takes it up. Says on stderr how far it is.
ExitCode run_replay(const Invocation& invocation, const Config& config, std::int64_t replay,
                    const ReplayPace& pace);

}  // namespace kinbox::cli

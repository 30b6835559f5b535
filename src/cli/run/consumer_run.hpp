#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "cli/config/config.hpp"
#include "cli/exit_code.hpp"
#include "kinbox/handler.hpp"
#include "kinbox/observe/log.hpp"
#include "kinbox/observer.hpp"

namespace kinbox::cli {

struct RunOptions {
  /// Names; empty is all of the configuration.
  std::vector<std::string> consumers;
  bool until_idle = false;
  /// Per worker.
  std::optional<std::int64_t> max_messages;
  /// From the first signal to the end of the process.
  std::chrono::milliseconds drain_timeout{30'000};
};

/// Consumes: all the workers of the chosen consumers, and the outbox relay, until SIGINT, SIGTERM
/// or what `options` say. `witness` sees every step and notice before the log does.
///
/// A second signal, or a drain that takes too long, ends the process at once with code 1: nothing
/// is lost by it. So does a library that hangs while it is closed, ten seconds after the drain
/// timeout, with a line that says what hung. Otherwise returns kOk; kNotClean when it ended idle
/// with a halted partition; kFailed when no worker could go on.
ExitCode run_consumers(const Config& config, const std::vector<HandlerSpec>& handlers,
                       const RunOptions& options, observe::Log& log, Observer& witness);

}  // namespace kinbox::cli

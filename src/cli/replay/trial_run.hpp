#pragma once

#include "cli/invocation.hpp"
#include "core/replay/replay_plan.hpp"

namespace kinbox::cli {

/// Runs the plan's events in transactions that are rolled back, and tells what became of them.
ExitCode run_trial(const Invocation& invocation, const Config& config, const ReplayPlan& plan,
                   bool treat_as_new);

}  // namespace kinbox::cli

#pragma once

#include <string>
#include <vector>

#include "cli/invocation.hpp"
#include "cli/position/offset_words.hpp"
#include "core/replay/replay_plan.hpp"

namespace kinbox::cli {

struct PlanRequest {
  std::string consumer;
  ReplayMode mode = ReplayMode::kFill;
  /// `keys` as they were typed.
  ReplayFilter filter = {};
  OffsetWords begin;
  OffsetWords end;
  /// `--topic`.
  std::vector<std::string> topics;
};

/// Reads the range and asks what is recorded of its events. Changes nothing. Throws UsageError on a
/// range that makes no sense, and for a handler that the consumer does not have or that may not be
/// reprocessed.
ReplayPlan make_plan(const Invocation& invocation, const Config& config,
                     const PlanRequest& request);

}  // namespace kinbox::cli

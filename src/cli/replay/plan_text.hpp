#pragma once

#include <string>

#include "cli/output/table.hpp"
#include "core/replay/replay_plan.hpp"

namespace kinbox::cli {

/// What the plan found: a row per partition, and one for each handler.
Table table_of(const ReplayPlan& plan);

/// What applying it would do, in words.
std::string sentence_of(const ReplayPlan& plan, const ReplayChoices& choices);

/// What a person should know before they apply it: a line each.
std::string warnings_of(const ReplayPlan& plan, const ReplayChoices& choices);

}  // namespace kinbox::cli

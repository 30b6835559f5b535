#pragma once

#include <string>
#include <vector>

#include "cli/invocation.hpp"

namespace kinbox::cli {

/// Tries what was requested of `consumers` here and now, with the handlers of this binary, where no
/// worker that is at work owns the partition; says what became of each partition. False if some of
/// it is left to somebody else.
bool redrive_now(const Invocation& invocation, const std::vector<std::string>& consumers);

}  // namespace kinbox::cli

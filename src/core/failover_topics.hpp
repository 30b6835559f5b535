#pragma once

#include <span>
#include <string>

#include "kinbox/on_error.hpp"

namespace kinbox {

/// Throws ConfigurationError if what a handler fails at goes to one of the topics that its consumer
/// reads: it would come back for ever.
void refuse_own_topics(std::span<const HandlerLadder> ladders,
                       std::span<const std::string> consumed);

}  // namespace kinbox

#pragma once

#include <vector>

#include "kinbox/handler.hpp"

namespace kinbox {

/// The handlers that come with kinbox, listed by hand. Users' own programs pass a list of theirs,
/// with these in it or not.
std::vector<HandlerSpec> shipped_handlers();

}  // namespace kinbox

#pragma once

#include <vector>

#include "kinbox/json.hpp"

namespace kinbox::handlers {

/// The lines of an order, `/items`. Throws PermanentError where they are missing; code "no_items"
/// if there is none.
std::vector<JsonPayload> order_lines(const JsonPayload& order);

}  // namespace kinbox::handlers

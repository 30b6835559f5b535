#pragma once

#include <string>

#include "kinbox/record.hpp"

namespace kinbox {

/// ISO 8601 in UTC with milliseconds, "2026-01-31T12:00:00.000Z"; both databases take it for their
/// time columns.
std::string iso_text(Timestamp time);

}  // namespace kinbox

#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "kinbox/record.hpp"

namespace kinbox {

/// ISO 8601 in UTC with milliseconds, "2026-01-31T12:00:00.000Z"; both databases take it for their
/// time columns.
std::string iso_text(Timestamp time);

/// "2026-01-31T12:00:00Z", also with a fraction of a second or "+02:00", or the date alone:
/// midnight UTC. nullopt if it is none.
std::optional<Timestamp> parse_iso(std::string_view text);

}  // namespace kinbox

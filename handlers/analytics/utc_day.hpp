#pragma once

#include <string>

#include "kinbox/record.hpp"

namespace kinbox::handlers {

/// The day of a record's timestamp in UTC, as both databases take it: "2026-01-31". Throws
/// PermanentError, code "no_timestamp", for a record without one or one of no year from 1970 to
/// 9999.
std::string utc_day(const Record& record);

}  // namespace kinbox::handlers

#pragma once

#include <chrono>
#include <string>

#include "kinbox/record.hpp"

namespace kinbox::cli {

/// A datetime that says its zone, "2026-01-31T12:00:00Z" or "2026-01-31T12:00:00.000+01:00".
/// Without one it is a UsageError that shows both readings, UTC's and local time's: they may be
/// hours of records apart. `option` is named in errors.
Timestamp zoned_time(const std::string& option, const std::string& text);

/// A duration as kafka-consumer-groups.sh takes it ("PT10M", "P1DT2H") or as kinbox writes it
/// ("10m"). What is finer than milliseconds is cut. Throws UsageError.
std::chrono::milliseconds span_of_time(const std::string& option, const std::string& text);

}  // namespace kinbox::cli

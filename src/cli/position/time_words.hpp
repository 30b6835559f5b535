#pragma once

#include <chrono>
#include <string>

#include "kinbox/record.hpp"

namespace kinbox::cli {

/// parse_time of what stands behind `option`, which is named in its UsageErrors.
Timestamp zoned_time(const std::string& option, const std::string& text);

/// A duration as kafka-consumer-groups.sh takes it ("PT10M", "P1DT2H") or as kinbox writes it
/// ("10m"). What is finer than milliseconds is cut. Throws UsageError.
std::chrono::milliseconds span_of_time(const std::string& option, const std::string& text);

}  // namespace kinbox::cli

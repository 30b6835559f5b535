#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "kinbox/record.hpp"

namespace kinbox {

/// `times` with one more: of many the first and the latest are kept, kAttemptTimes in all.
std::vector<Timestamp> with_attempt(std::vector<Timestamp> times, Timestamp failed_at);
constexpr std::size_t kAttemptTimes = 20;

/// As a row has them: ISO 8601, separated by spaces.
std::string attempt_times_text(const std::vector<Timestamp>& times);
/// What is no time is passed over. Of many, as above.
std::vector<Timestamp> attempt_times(std::string_view text);

}  // namespace kinbox

#include "handlers/analytics/utc_day.hpp"

#include <array>
#include <cstdio>

#include "kinbox/errors.hpp"

namespace kinbox::handlers {
namespace {

using std::chrono::sys_days;
using std::chrono::year;

constexpr Timestamp kFirst = sys_days(year(1970) / 1 / 1);
constexpr Timestamp kEnd = sys_days(year(10'000) / 1 / 1);

}  // namespace

std::string utc_day(const Record& record) {
  const auto time = record.timestamp();
  if (!time || *time < kFirst || *time >= kEnd)
    throw PermanentError(
        "the record has no timestamp of the years 1970 to 9999; let the producer set one",
        "no_timestamp");
  const std::chrono::year_month_day day(std::chrono::floor<std::chrono::days>(*time));
  std::array<char, 16> text{};
  std::snprintf(text.data(), text.size(), "%04d-%02u-%02u", static_cast<int>(day.year()),
                static_cast<unsigned>(day.month()), static_cast<unsigned>(day.day()));
  return text.data();
}

}  // namespace kinbox::handlers

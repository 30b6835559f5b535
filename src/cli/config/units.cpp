#include "cli/config/units.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <limits>
#include <span>
#include <system_error>

#include "core/iso_time.hpp"
#include "kinbox/errors.hpp"

namespace kinbox::cli {
namespace {

struct Unit {
  std::string_view name;
  std::int64_t factor;
};

// Largest first: the notation that loses nothing is the first that divides.
constexpr Unit kDurations[] = {
    {"d", 86'400'000}, {"h", 3'600'000}, {"m", 60'000}, {"s", 1'000}, {"ms", 1}};
constexpr Unit kSizes[] = {{"GiB", 1 << 30}, {"MiB", 1 << 20}, {"KiB", 1 << 10}, {"B", 1}};

std::int64_t parse_with_unit(std::string_view text, std::span<const Unit> units,
                             std::string_view example) {
  const auto refuse = [&]() -> ConfigurationError {
    return ConfigurationError("\"" + std::string(text) +
                              "\" should be a whole number with its unit, like " +
                              std::string(example));
  };
  std::int64_t number = 0;
  const auto* const end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data(), end, number);
  if (error != std::errc{} || number < 0) throw refuse();
  const std::string_view name(rest, static_cast<std::size_t>(end - rest));
  for (const auto& unit : units) {
    if (unit.name != name) continue;
    if (number > std::numeric_limits<std::int64_t>::max() / unit.factor) throw refuse();
    return number * unit.factor;
  }
  throw refuse();
}

std::string with_unit(std::int64_t value, std::span<const Unit> units) {
  for (const auto& unit : units)
    if (value != 0 && value % unit.factor == 0)
      return std::to_string(value / unit.factor) + std::string(unit.name);
  return "0" + std::string(units.back().name);
}

/// "+01:00", as far as this machine's zone was from UTC when its clocks showed `reading`.
std::string local_zone(Timestamp reading) {
  const auto seconds = std::chrono::system_clock::to_time_t(reading);
  std::tm clock{};
  gmtime_r(&seconds, &clock);
  clock.tm_isdst = -1;
  std::mktime(&clock);
  const auto minutes = clock.tm_gmtoff / 60;
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), "%c%02ld:%02ld", minutes < 0 ? '-' : '+',
                std::labs(minutes) / 60, std::labs(minutes) % 60);
  return text.data();
}

}  // namespace

std::chrono::milliseconds parse_duration(std::string_view text) {
  return std::chrono::milliseconds{parse_with_unit(text, kDurations, "250ms, 30s, 5m, 1h or 7d")};
}

std::size_t parse_size(std::string_view text) {
  return static_cast<std::size_t>(parse_with_unit(text, kSizes, "512B, 64KiB, 16MiB or 1GiB"));
}

double parse_rate(std::string_view text) {
  const auto slash = std::min(text.find('/'), text.size());
  const auto unit = text.substr(std::min(slash + 1, text.size()));
  const double seconds = unit == "s" ? 1 : unit == "m" ? 60 : unit == "h" ? 3600 : 0;
  int number = 0;
  const auto* const end = text.data() + slash;
  const auto [rest, error] = std::from_chars(text.data(), end, number);
  if (seconds == 0 || error != std::errc{} || rest != end || number < 1)
    throw ConfigurationError(
        "should be so many per second, minute or hour, like 10/s, 300/m or "
        "5000/h; not \"" +
        std::string(text) + "\"");
  return number / seconds;
}

Timestamp parse_time(std::string_view text) {
  const std::string shown(text);
  const bool has_clock = text.find('T') != std::string_view::npos;
  if (const auto time = parse_iso(text); time && has_clock) return *time;
  const auto naive = has_clock ? shown : shown + "T00:00:00";
  if (const auto reading = parse_iso(naive + 'Z'))
    throw ConfigurationError('"' + shown + "\" does not say its zone: write " + naive +
                             "Z if it is UTC, or " + naive + local_zone(*reading) +
                             " if it is this machine's local time");
  throw ConfigurationError('"' + shown +
                           "\" should be a time like 2026-01-31T12:00:00Z or "
                           "2026-01-31T12:00:00.000+01:00");
}

std::string to_text(std::chrono::milliseconds duration) {
  return with_unit(duration.count(), kDurations);
}

std::string size_text(std::size_t bytes) {
  return with_unit(static_cast<std::int64_t>(bytes), kSizes);
}

std::string to_text(Timestamp time) { return iso_text(time); }

}  // namespace kinbox::cli

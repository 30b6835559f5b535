#include "cli/config/units.hpp"

#include <charconv>
#include <cstdint>
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

/// Reads `digits` digits from the front; -1 when there are not that many.
int take_number(std::string_view& text, std::size_t digits) {
  int number = 0;
  if (text.size() < digits) return -1;
  const auto [rest, error] = std::from_chars(text.data(), text.data() + digits, number);
  if (error != std::errc{} || rest != text.data() + digits || number < 0) return -1;
  text.remove_prefix(digits);
  return number;
}

bool take(std::string_view& text, char c) {
  if (!text.starts_with(c)) return false;
  text.remove_prefix(1);
  return true;
}

std::chrono::sys_days take_date(std::string_view& text, bool& good) {
  using namespace std::chrono;
  const int y = take_number(text, 4);
  good = good && take(text, '-');
  const int m = take_number(text, 2);
  good = good && take(text, '-');
  const int d = take_number(text, 2);
  const auto date = year{y} / month{static_cast<unsigned>(m)} / day{static_cast<unsigned>(d)};
  good = good && y >= 0 && date.ok();
  return good ? sys_days{date} : sys_days{};
}

std::chrono::milliseconds take_clock(std::string_view& text, bool& good) {
  using namespace std::chrono;
  const int h = take_number(text, 2);
  good = good && take(text, ':');
  const int m = take_number(text, 2);
  good = good && take(text, ':');
  const int s = take_number(text, 2);
  const int ms = take(text, '.') ? take_number(text, 3) : 0;
  good = good && h >= 0 && h < 24 && m >= 0 && m < 60 && s >= 0 && s < 60 && ms >= 0;
  return hours{h} + minutes{m} + seconds{s} + milliseconds{ms};
}

std::chrono::minutes take_zone(std::string_view& text, bool& good) {
  using namespace std::chrono;
  if (take(text, 'Z')) return minutes{0};
  const bool west = text.starts_with('-');
  good = good && (take(text, '+') || take(text, '-'));
  const int h = take_number(text, 2);
  good = good && take(text, ':');
  const int m = take_number(text, 2);
  good = good && h >= 0 && h < 24 && m >= 0 && m < 60;
  const minutes offset = hours{h} + minutes{m};
  return west ? -offset : offset;
}

}  // namespace

std::chrono::milliseconds parse_duration(std::string_view text) {
  return std::chrono::milliseconds{parse_with_unit(text, kDurations, "250ms, 30s, 5m, 1h or 7d")};
}

std::size_t parse_size(std::string_view text) {
  return static_cast<std::size_t>(parse_with_unit(text, kSizes, "512B, 64KiB, 16MiB or 1GiB"));
}

Timestamp parse_time(std::string_view text) {
  bool good = true;
  std::string_view rest = text;
  Timestamp time = take_date(rest, good);
  if (good && take(rest, 'T')) {
    time += take_clock(rest, good);
    time -= take_zone(rest, good);
  }
  if (!good || !rest.empty())
    throw ConfigurationError("\"" + std::string(text) +
                             "\" should be a time like 2026-01-31T12:00:00Z or 2026-01-31");
  return time;
}

std::string to_text(std::chrono::milliseconds duration) {
  return with_unit(duration.count(), kDurations);
}

std::string size_text(std::size_t bytes) {
  return with_unit(static_cast<std::int64_t>(bytes), kSizes);
}

std::string to_text(Timestamp time) { return iso_text(time); }

}  // namespace kinbox::cli

#include "core/iso_time.hpp"

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cstdio>
#include <system_error>

namespace kinbox {
namespace {

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

/// What is finer than milliseconds is cut.
std::chrono::milliseconds take_fraction(std::string_view& text, bool& good) {
  if (!take(text, '.')) return {};
  const auto digits = std::min(text.find_first_not_of("0123456789"), text.size());
  good = good && digits > 0;
  auto fraction = std::string(text.substr(0, digits)).substr(0, 3);
  fraction.resize(3, '0');
  text.remove_prefix(digits);
  return std::chrono::milliseconds{good ? std::stoi(fraction) : 0};
}

std::chrono::milliseconds take_clock(std::string_view& text, bool& good) {
  using namespace std::chrono;
  const int h = take_number(text, 2);
  good = good && take(text, ':');
  const int m = take_number(text, 2);
  good = good && take(text, ':');
  const int s = take_number(text, 2);
  const auto ms = take_fraction(text, good);
  good = good && h >= 0 && h < 24 && m >= 0 && m < 60 && s >= 0 && s < 60;
  return hours{h} + minutes{m} + seconds{s} + ms;
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

std::string iso_text(Timestamp time) {
  using namespace std::chrono;
  const auto midnight = floor<days>(time);
  const year_month_day date{midnight};
  const hh_mm_ss clock{time - midnight};
  char text[64];
  std::snprintf(text, sizeof text, "%04d-%02u-%02uT%02d:%02d:%02d.%03dZ", int{date.year()},
                unsigned{date.month()}, unsigned{date.day()},
                static_cast<int>(clock.hours().count()), static_cast<int>(clock.minutes().count()),
                static_cast<int>(clock.seconds().count()),
                static_cast<int>(clock.subseconds().count()));
  return text;
}

std::optional<Timestamp> parse_iso(std::string_view text) {
  bool good = true;
  Timestamp time = take_date(text, good);
  if (good && take(text, 'T')) {
    time += take_clock(text, good);
    time -= take_zone(text, good);
  }
  if (!good || !text.empty()) return std::nullopt;
  return time;
}

}  // namespace kinbox

#include "core/minor_units.hpp"

#include <algorithm>
#include <charconv>
#include <string>

namespace kinbox {
namespace {

/// Beyond any exponent that can matter, and far from where sums of exponents overflow.
constexpr int kFarAway = 1'000'000;

int read_exponent(std::string_view text) {
  if (text.starts_with('+')) text.remove_prefix(1);
  int exponent = 0;
  const auto [stop, error] = std::from_chars(text.data(), text.data() + text.size(), exponent);
  if (error != std::errc{}) exponent = text.starts_with('-') ? -kFarAway : kFarAway;
  return std::clamp(exponent, -kFarAway, kFarAway);
}

/// The digits of `mantissa` without its point and leading zeros; `point` becomes the number of them
/// before the point, negative if zeros follow it.
std::string significant_digits(std::string_view mantissa, int& point) {
  const auto dot = std::min(mantissa.find('.'), mantissa.size());
  std::string digits(mantissa.substr(0, dot));
  point = static_cast<int>(std::min<std::size_t>(dot, kFarAway));
  if (dot < mantissa.size()) digits += mantissa.substr(dot + 1);
  const auto zeros = std::min(digits.find_first_not_of('0'), digits.size());
  point -= static_cast<int>(std::min<std::size_t>(zeros, kFarAway));
  return digits.substr(zeros);
}

}  // namespace

std::optional<std::int64_t> minor_units(std::string_view number, int digits) {
  const bool negative = number.starts_with('-');
  if (negative) number.remove_prefix(1);
  const auto e = std::min(number.find_first_of("eE"), number.size());
  int point = 0;
  auto text = significant_digits(number.substr(0, e), point);
  if (text.empty()) return 0;
  if (e < number.size()) point += read_exponent(number.substr(e + 1));
  point += digits;
  text.erase(text.find_last_not_of('0') + 1);
  const auto length = static_cast<std::int64_t>(text.size());
  if (point < length || point > 19) return std::nullopt;
  text.append(static_cast<std::size_t>(point - length), '0');
  if (negative) text.insert(text.begin(), '-');
  std::int64_t units = 0;
  const auto [stop, error] = std::from_chars(text.data(), text.data() + text.size(), units);
  return error == std::errc{} ? std::optional(units) : std::nullopt;
}

}  // namespace kinbox

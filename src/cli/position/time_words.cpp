#include "cli/position/time_words.hpp"

#include <algorithm>
#include <charconv>
#include <limits>
#include <optional>
#include <string_view>

#include "cli/config/units.hpp"
#include "cli/usage_error.hpp"
#include "kinbox/errors.hpp"

namespace kinbox::cli {
namespace {

using Milliseconds = std::chrono::milliseconds;

std::optional<std::int64_t> take_digits(std::string_view& text) {
  std::int64_t number = 0;
  const auto [rest, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{} || number < 0) return std::nullopt;
  text.remove_prefix(static_cast<std::size_t>(rest - text.data()));
  return number;
}

/// The part of an ISO duration that `unit` ends; false if it is too large. What is not there is
/// passed over.
bool take_part(std::string_view& text, char unit, Milliseconds factor, Milliseconds& sum,
               bool& any) {
  auto rest = text;
  const auto number = take_digits(rest);
  if (!number) return true;
  Milliseconds fraction{0};
  if (unit == 'S' && rest.starts_with('.')) {
    rest.remove_prefix(1);
    const auto digits = std::min(rest.find_first_not_of("0123456789"), rest.size());
    if (digits == 0) return true;
    auto thousandths = std::string(rest.substr(0, digits)).substr(0, 3);
    thousandths.resize(3, '0');
    fraction = Milliseconds{std::stoi(thousandths)};
    rest.remove_prefix(digits);
  }
  if (!rest.starts_with(unit)) return true;
  rest.remove_prefix(1);
  // A tenth of what an integer holds: no sum of four runs over.
  if (*number > std::numeric_limits<std::int64_t>::max() / 10 / factor.count()) return false;
  sum += *number * factor + fraction;
  any = true;
  text = rest;
  return true;
}

/// PnDTnHnMnS, as java.time.Duration reads it.
std::optional<Milliseconds> iso_duration(std::string_view text) {
  using namespace std::chrono;
  Milliseconds sum{0};
  bool any = false;
  if (!text.starts_with('P')) return std::nullopt;
  text.remove_prefix(1);
  if (!take_part(text, 'D', hours{24}, sum, any)) return std::nullopt;
  if (text.starts_with('T')) {
    text.remove_prefix(1);
    any = false;
    if (!take_part(text, 'H', hours{1}, sum, any) || !take_part(text, 'M', minutes{1}, sum, any) ||
        !take_part(text, 'S', seconds{1}, sum, any))
      return std::nullopt;
  }
  if (!any || !text.empty()) return std::nullopt;
  return sum;
}

}  // namespace

Timestamp zoned_time(const std::string& option, const std::string& text) {
  try {
    return parse_time(text);
  } catch (const ConfigurationError& e) {
    throw UsageError(option + ": " + e.what());
  }
}

Milliseconds span_of_time(const std::string& option, const std::string& text) {
  if (const auto duration = iso_duration(text)) return *duration;
  try {
    return parse_duration(text);
  } catch (const ConfigurationError&) {
    throw UsageError(option + ": \"" + text +
                     "\" should be a duration like PT10M or P1DT2H, or like 10m or 26h");
  }
}

}  // namespace kinbox::cli

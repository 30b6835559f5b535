#pragma once

#include <chrono>
#include <cstddef>
#include <string>
#include <string_view>

#include "kinbox/record.hpp"

namespace kinbox::cli {

/// "100ms", "30s", "5m", "1h", "7d": a whole number and its unit. Throws ConfigurationError.
std::chrono::milliseconds parse_duration(std::string_view text);

/// "500B", "64KiB", "16MiB", "1GiB". Throws ConfigurationError.
std::size_t parse_size(std::string_view text);

/// "10/s", "300/m", "5000/h", as so many per second. Throws ConfigurationError.
double parse_rate(std::string_view text);

/// A time that says its zone, "2026-01-31T12:00:00Z" (also with ".123", or "+02:00"). Without one
/// it is a ConfigurationError that shows both readings, UTC's and local time's: they may be hours
/// of records apart.
Timestamp parse_time(std::string_view text);

/// The same notations, in the largest unit that loses nothing.
std::string to_text(std::chrono::milliseconds duration);
std::string size_text(std::size_t bytes);
std::string to_text(Timestamp time);

}  // namespace kinbox::cli

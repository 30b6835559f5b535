#pragma once

#include <chrono>
#include <optional>

#include "kinbox/record.hpp"

namespace kinbox {

/// Whether `record` is older than `bound`, by its own timestamp. One that carries none never is.
inline bool is_too_old(const Record& record, std::optional<std::chrono::milliseconds> bound) {
  if (!bound || !record.timestamp()) return false;
  // In milliseconds: a bound of some centuries does not fit in the clock's own unit.
  using std::chrono::milliseconds;
  const auto now = std::chrono::floor<milliseconds>(std::chrono::system_clock::now());
  return *record.timestamp() < now - *bound;
}

}  // namespace kinbox

#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <optional>

namespace kinbox::cli {

/// Keeps records at a rate, in portions: a token bucket that holds one second's worth.
class Pace {
 public:
  using TimePoint = std::chrono::steady_clock::time_point;

  /// So many per second; none: as fast as it goes.
  Pace(std::optional<double> rate, TimePoint start) : rate_(rate), since_(start) {}

  /// How many records a portion may have.
  std::size_t portion(std::size_t most) const noexcept {
    if (!rate_) return most;
    return std::clamp<std::size_t>(static_cast<std::size_t>(*rate_), 1, most);
  }

  /// When the next portion may begin, after one of `records`.
  TimePoint next(std::size_t records, TimePoint now) noexcept {
    if (!rate_) return now;
    constexpr std::chrono::seconds kSaved{1};
    since_ = std::max(since_, now - kSaved);
    since_ += std::chrono::duration_cast<std::chrono::steady_clock::duration>(
        std::chrono::duration<double>(static_cast<double>(records) / *rate_));
    return since_;
  }

 private:
  std::optional<double> rate_;
  /// Until when what was taken counts.
  TimePoint since_;
};

}  // namespace kinbox::cli

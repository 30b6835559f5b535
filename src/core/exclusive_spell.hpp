#pragma once

#include <algorithm>
#include <chrono>

namespace kinbox {

/// For how long one worker's batches run alone after they met another's in a deadlock.
///
/// Handlers that update the same rows (stock, balances) in different orders deadlock with each
/// other, and each deadlock costs PostgreSQL's `deadlock_timeout` (a second). Running alone is
/// never worse than one worker. A spell that another deadlock follows soon is followed by a longer
/// one.
class ExclusiveSpell {
 public:
  using TimePoint = std::chrono::steady_clock::time_point;

  bool active(TimePoint now) const noexcept { return now < until_; }

  void deadlocked(TimePoint now) noexcept {
    const bool soon = now - until_ < length_;
    length_ = soon ? std::min(length_ * 4, kLongest) : kFirst;
    until_ = now + length_;
  }

  /// It was somebody else who was in the way: running alone is of no use.
  void end(TimePoint now) noexcept { until_ = std::min(until_, now); }

 private:
  static constexpr std::chrono::seconds kFirst{15};
  static constexpr std::chrono::seconds kLongest{900};

  std::chrono::seconds length_{0};
  TimePoint until_{};
};

}  // namespace kinbox

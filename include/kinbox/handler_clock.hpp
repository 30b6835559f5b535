#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string_view>

#include "kinbox/event.hpp"

namespace kinbox {

/// How long the handler runs that a worker is in, and how long it may.
///
/// One worker's thread starts and stops it. Another thread may look whether that handler will ever
/// come back (`seize_if_hung`). Without a limit, and without anybody who looks, it costs nothing.
class HandlerClock {
 public:
  using TimePoint = std::chrono::steady_clock::time_point;
  static constexpr TimePoint kNever = TimePoint::max();

  /// When a handler counts as one that does not come back.
  enum class Watch {
    /// Never: nobody looks.
    kOff,
    /// When its limit is over by as much again, and by ten seconds at least.
    kDerived,
    /// When its limit is over by the grace that was given.
    kGiven,
  };

  HandlerClock() = default;
  explicit HandlerClock(Watch watch, std::chrono::milliseconds grace = {})
      : watch_(watch), grace_(grace) {}

  /// What runs. It outlives the run.
  struct Run {
    std::string_view handler;
    const Event* event = nullptr;
  };
  void start(const Run& run, std::optional<std::chrono::milliseconds> limit) noexcept;

  /// What was waited for until now was not this handler's doing: its time begins anew.
  void restart() noexcept;

  /// Whether its time was over.
  bool stop() noexcept;

  /// When its time is over; kNever while nothing runs that has a limit.
  TimePoint deadline() const noexcept { return deadline_; }

  /// Of the run that was started last.
  std::chrono::milliseconds limit() const noexcept { return limit_; }

  struct Hung {
    Run run;
    std::chrono::milliseconds limit{0};
    std::chrono::milliseconds grace{0};
  };
  /// From another thread. What it gives stays valid: should that handler come back after all, its
  /// thread goes no further. The process is to be ended then.
  std::optional<Hung> seize_if_hung() noexcept;

  static std::chrono::milliseconds derived_grace(std::chrono::milliseconds limit) noexcept;

 private:
  using Ticks = TimePoint::rep;
  static constexpr Ticks kIdle = 0;
  static constexpr Ticks kSeized = -1;

  std::chrono::milliseconds grace_of_run() const noexcept;
  void set_hung_at(Ticks ticks) noexcept;

  Watch watch_ = Watch::kOff;
  std::chrono::milliseconds grace_{0};
  Run run_;
  std::chrono::milliseconds limit_{0};
  TimePoint deadline_ = kNever;
  /// kIdle, kSeized, or the moment of the steady clock from which on the run counts as hung. Who
  /// seizes it reads what was written before.
  std::atomic<Ticks> hung_at_{kIdle};
};

}  // namespace kinbox

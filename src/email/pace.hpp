#pragma once

#include <chrono>
#include <mutex>

namespace kinbox::email {

/// How fast the threads of one sender may go together: a rate, and pauses while the server is away.
/// Thread-safe.
class Pace {
 public:
  using Clock = std::chrono::steady_clock;

  /// 0: as fast as can be.
  explicit Pace(double per_second);

  /// Takes the next turn; returns when it comes.
  Clock::time_point take_turn();
  /// It was not needed: there was nothing to send.
  void give_turn_back();

  /// Everybody is to wait until then.
  Clock::time_point paused_until() const;
  /// The server was away for somebody who set out at `set_out`. Returns how long everybody waits
  /// from now on. Who set out before the present pause began learned nothing new.
  std::chrono::milliseconds pause(Clock::time_point set_out, double random);
  /// The server answered.
  void go_on();

 private:
  mutable std::mutex mutex_;
  Clock::duration interval_;
  Clock::time_point next_turn_{};
  Clock::time_point paused_at_{};
  Clock::time_point paused_until_{};
  int failures_ = 0;
};

}  // namespace kinbox::email

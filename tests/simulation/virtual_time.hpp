#pragma once

#include <chrono>
#include <cstdint>
#include <random>

namespace kinbox::simulation {

/// While one lives, std::chrono::steady_clock and SQLite's clock show its time and
/// std::random_device draws from its seed, in this whole program: backoffs cost no time, and a seed
/// gives the same run each time. SQLite's does for connections that are opened after
/// `lend_sqlite_the_time`.
///
/// The linker does it (--wrap, see tests/CMakeLists.txt), so the code under test is the shipped
/// one. One at a time, used by one thread at a time.
class VirtualTime {
 public:
  using Clock = std::chrono::steady_clock;

  explicit VirtualTime(std::uint64_t seed);
  VirtualTime(const VirtualTime&) = delete;
  VirtualTime& operator=(const VirtualTime&) = delete;
  ~VirtualTime();

  void advance(Clock::duration by) { now_ += by; }
  /// SQLite's clock alone: from now on it is that much further than it would be.
  void move_database(Clock::duration by) { database_ahead_ += by; }

  /// What a reader sees; looking takes a microsecond, so that who waits in a loop comes to an end.
  Clock::time_point now() noexcept { return now_ += std::chrono::microseconds{1}; }
  /// Milliseconds of SQLite's clock, without looking being noticed.
  std::int64_t milliseconds() const {
    const auto shown = now_.time_since_epoch() + database_ahead_;
    return std::chrono::duration_cast<std::chrono::milliseconds>(shown).count();
  }
  std::uint32_t entropy() { return static_cast<std::uint32_t>(entropy_()); }

 private:
  // Far beyond any machine's uptime, which is what this clock really shows: code that waits until
  // a moment of this clock hangs on every machine, not only on one that was just started.
  Clock::time_point now_{std::chrono::years{100}};
  Clock::duration database_ahead_{0};
  std::mt19937_64 entropy_;
};

void lend_sqlite_the_time();

}  // namespace kinbox::simulation

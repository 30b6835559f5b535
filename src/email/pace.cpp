#include "email/pace.hpp"

#include <algorithm>

#include "kinbox/retry_policy.hpp"

namespace kinbox::email {
namespace {

using std::chrono::milliseconds;

constexpr RetryPolicy kBackoff{
    .max_attempts = 0, .first_delay = milliseconds{1'000}, .max_delay = milliseconds{30'000}};

Pace::Clock::duration interval_of(double per_second) {
  if (per_second <= 0) return {};
  return std::chrono::duration_cast<Pace::Clock::duration>(
      std::chrono::duration<double>(1 / per_second));
}

}  // namespace

Pace::Pace(double per_second) : interval_(interval_of(per_second)) {}

Pace::Clock::time_point Pace::take_turn() {
  const std::lock_guard lock(mutex_);
  const auto turn = std::max(next_turn_, Clock::now());
  next_turn_ = turn + interval_;
  return turn;
}

void Pace::give_turn_back() {
  const std::lock_guard lock(mutex_);
  next_turn_ -= interval_;
}

Pace::Clock::time_point Pace::paused_until() const {
  const std::lock_guard lock(mutex_);
  return paused_until_;
}

milliseconds Pace::pause(Clock::time_point set_out, double random) {
  const std::lock_guard lock(mutex_);
  const auto now = Clock::now();
  if (failures_ == 0 || set_out >= paused_at_) {
    paused_at_ = now;
    // Never less than half: the queue is not to hammer at a server that is coming up.
    paused_until_ = now + backoff(kBackoff, ++failures_, 0.5 + random / 2);
  }
  return std::max(milliseconds{0}, std::chrono::ceil<milliseconds>(paused_until_ - now));
}

void Pace::go_on() {
  const std::lock_guard lock(mutex_);
  failures_ = 0;
  paused_until_ = {};
}

}  // namespace kinbox::email

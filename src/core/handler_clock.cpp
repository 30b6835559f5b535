#include "kinbox/handler_clock.hpp"

#include <unistd.h>

#include <algorithm>

namespace kinbox {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::chrono::milliseconds kLeastGrace{10'000};

/// What lies further ahead does not fit in the clock's own unit.
constexpr std::chrono::hours kLongest{24 * 366};

}  // namespace

std::chrono::milliseconds HandlerClock::derived_grace(std::chrono::milliseconds limit) noexcept {
  return std::max(limit, kLeastGrace);
}

void HandlerClock::start(const Run& run, std::optional<std::chrono::milliseconds> limit) noexcept {
  if (!limit) return;
  run_ = run;
  limit_ = std::min<std::chrono::milliseconds>(*limit, kLongest);
  restart();
}

void HandlerClock::restart() noexcept {
  deadline_ = Clock::now() + limit_;
  if (watch_ == Watch::kOff) return;
  set_hung_at((deadline_ + grace_of_run()).time_since_epoch().count());
}

bool HandlerClock::stop() noexcept {
  if (deadline_ == kNever) return false;
  if (watch_ != Watch::kOff) set_hung_at(kIdle);
  const bool late = Clock::now() > deadline_;
  deadline_ = kNever;
  return late;
}

std::optional<HandlerClock::Hung> HandlerClock::seize_if_hung() noexcept {
  auto at = hung_at_.load(std::memory_order_relaxed);
  if (at == kIdle || at == kSeized || Clock::now().time_since_epoch().count() < at)
    return std::nullopt;
  if (!hung_at_.compare_exchange_strong(at, kSeized, std::memory_order_acquire))
    return std::nullopt;
  return Hung{run_, limit_, grace_of_run()};
}

std::chrono::milliseconds HandlerClock::grace_of_run() const noexcept {
  return watch_ == Watch::kGiven ? grace_ : derived_grace(limit_);
}

void HandlerClock::set_hung_at(Ticks ticks) noexcept {
  if (hung_at_.exchange(ticks, std::memory_order_acq_rel) != kSeized) return;
  // The process is being ended for this run: nothing may be stored any more.
  for (;;) pause();
}

}  // namespace kinbox

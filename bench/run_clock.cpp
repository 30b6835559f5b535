#include "run_clock.hpp"

#include <sys/resource.h>

#include <stdexcept>
#include <string>
#include <utility>

namespace kinbox::bench {
namespace {

constexpr std::chrono::minutes kPatience{1};

double seconds(const timeval& time) {
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) * 1e-6;
}

}  // namespace

RunClock::Moment RunClock::now() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return {Clock::now(), seconds(usage.ru_utime) + seconds(usage.ru_stime)};
}

void RunClock::received() {
  const std::lock_guard lock(mutex_);
  if (!std::exchange(started_, true)) start_ = now();
}

void RunClock::committed(std::int64_t records) {
  const std::lock_guard lock(mutex_);
  missing_ -= records;
  if (missing_ <= 0) end_ = now();
  changed_.notify_all();
}

void RunClock::fail(std::exception_ptr failure) {
  const std::lock_guard lock(mutex_);
  if (!failure_) failure_ = std::move(failure);
  changed_.notify_all();
}

bool RunClock::over() const {
  const std::lock_guard lock(mutex_);
  return is_over();
}

void RunClock::wait() {
  std::unique_lock lock(mutex_);
  while (!is_over()) {
    const auto before = missing_;
    if (changed_.wait_for(lock, kPatience) == std::cv_status::timeout && missing_ == before)
      failure_ = std::make_exception_ptr(
          std::runtime_error("nothing was committed for a minute, and " + std::to_string(missing_) +
                             " records are missing"));
  }
}

RunTime RunClock::time() const {
  const std::lock_guard lock(mutex_);
  if (failure_) std::rethrow_exception(failure_);
  return {std::chrono::duration<double>(end_.wall - start_.wall).count(), end_.cpu - start_.cpu};
}

}  // namespace kinbox::bench

#include "cli/run/last_resort.hpp"

#include <unistd.h>

#include "cli/exit_code.hpp"

namespace kinbox::cli {

LastResort::LastResort(observe::Log& log)
    : log_(log), thread_([this](const std::stop_token& stop) { watch(stop); }) {}

void LastResort::end_by(std::chrono::steady_clock::time_point deadline) {
  {
    const std::lock_guard lock(mutex_);
    if (!deadline_) deadline_ = deadline;
  }
  changed_.notify_all();
}

void LastResort::now(std::string doing) {
  const std::lock_guard lock(mutex_);
  doing_ = std::move(doing);
}

void LastResort::watch(const std::stop_token& stop) {
  std::unique_lock lock(mutex_);
  if (!changed_.wait(lock, stop, [this] { return deadline_.has_value(); })) return;
  changed_.wait_until(lock, stop, *deadline_, [] { return false; });
  if (stop.stop_requested()) return;
  log_.error("ending_at_once", "hung while " + doing_ +
                                   ": ending now; what is under way is rolled back, and what is "
                                   "stored stays");
  _exit(static_cast<int>(ExitCode::kFailed));
}

}  // namespace kinbox::cli

#pragma once

#include <algorithm>
#include <functional>
#include <mutex>
#include <variant>
#include <vector>

#include "kinbox/observer.hpp"

namespace kinbox::testing {

/// Keeps what it is told, for assertions, and lets a test stop a worker at a named step.
/// Thread-safe.
class RecordingObserver : public Observer {
 public:
  /// Called at every step, on the worker's thread.
  void at_step(std::function<void(Step)> call) {
    const std::lock_guard lock(mutex_);
    at_step_ = std::move(call);
  }

  void on_step(Step step) override {
    std::function<void(Step)> call;
    {
      const std::lock_guard lock(mutex_);
      steps_.push_back(step);
      call = at_step_;
    }
    if (call) call(step);
  }

  void on_notice(const Notice& notice) override {
    const std::lock_guard lock(mutex_);
    notices_.push_back(notice);
  }

  std::vector<Step> steps() const {
    const std::lock_guard lock(mutex_);
    return steps_;
  }

  template <typename T>
  std::vector<T> notices() const {
    const std::lock_guard lock(mutex_);
    std::vector<T> found;
    for (const auto& notice : notices_)
      if (const auto* match = std::get_if<T>(&notice)) found.push_back(*match);
    return found;
  }

 private:
  mutable std::mutex mutex_;
  std::function<void(Step)> at_step_;
  std::vector<Step> steps_;
  std::vector<Notice> notices_;
};

}  // namespace kinbox::testing

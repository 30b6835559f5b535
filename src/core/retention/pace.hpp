#pragma once

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <stop_token>
#include <utility>

namespace kinbox {

/// Work in portions, with rests between them that others may use.
class Pace {
 public:
  /// Rests for `rest` times what a portion took.
  Pace(int rest, std::stop_token stop) : rest_(rest), stop_(std::move(stop)) {}

  const std::stop_token& stop_token() const noexcept { return stop_; }
  bool stopped() const { return stop_.stop_requested(); }

  template <typename Call>
  void portion(Call call) {
    const auto begin = std::chrono::steady_clock::now();
    call();
    if (rest_ == 0) return;
    std::unique_lock lock(mutex_);
    resting_.wait_for(lock, stop_, (std::chrono::steady_clock::now() - begin) * rest_,
                      [] { return false; });
  }

 private:
  int rest_;
  std::stop_token stop_;
  std::mutex mutex_;
  std::condition_variable_any resting_;
};

}  // namespace kinbox

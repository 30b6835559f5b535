#pragma once

#include <chrono>
#include <thread>

namespace kinbox::testing {

/// True as soon as `condition()` is; false if it is not within `deadline`, after a last look.
/// For what offers nothing to wait on: rows, logs, other processes.
template <typename Condition>
[[nodiscard]] bool eventually(Condition&& condition,
                              std::chrono::milliseconds deadline = std::chrono::seconds(20)) {
  const auto end = std::chrono::steady_clock::now() + deadline;
  while (!condition()) {
    if (std::chrono::steady_clock::now() >= end) return condition();
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  return true;
}

}  // namespace kinbox::testing

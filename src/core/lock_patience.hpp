#pragma once

#include <algorithm>
#include <chrono>
#include <optional>

namespace kinbox {

/// How long the handlers of a batch wait for one lock before the batch gives way.
///
/// Two workers that update the same rows in different orders wait for each other; PostgreSQL finds
/// out after a second (`deadlock_timeout`, which only a superuser may change). But a batch of
/// another worker takes about as long as our own: who waits for longer than two of them waits for
/// nothing, or for somebody else.
class LockPatience {
 public:
  /// None where the server finds out first.
  std::optional<std::chrono::milliseconds> limit() const noexcept {
    const auto two = std::max(kShortest, std::chrono::round<std::chrono::milliseconds>(2 * batch_));
    return two < kServers ? std::optional(two) : std::nullopt;
  }

  void took(std::chrono::duration<double> batch) noexcept {
    batch_ = batch_.count() > 0 ? 0.8 * batch_ + 0.2 * batch : batch;
  }

 private:
  static constexpr std::chrono::milliseconds kShortest{100};
  static constexpr std::chrono::milliseconds kServers{1'000};

  /// A running mean.
  std::chrono::duration<double> batch_{0};
};

}  // namespace kinbox

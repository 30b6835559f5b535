#pragma once

#include <chrono>
#include <optional>

namespace kinbox {

/// How often, and how soon, a failing event is tried again in place.
struct RetryPolicy {
  /// Attempts before the policy's `then`. 1 disables retrying.
  int max_attempts = 5;
  /// Doubles after each attempt up to `max_delay`, with full jitter (a uniform draw from zero to
  /// that delay).
  std::chrono::milliseconds first_delay{100};
  std::chrono::milliseconds max_delay{30'000};
  /// No further attempt later than that after the first failure; none if absent.
  std::optional<std::chrono::milliseconds> max_elapsed = std::nullopt;
};

/// Upper bound of the delay after failed attempt number `attempt` (from 1).
std::chrono::milliseconds backoff_bound(const RetryPolicy& policy, int attempt);

/// The delay itself. `random` is uniform in [0, 1).
std::chrono::milliseconds backoff(const RetryPolicy& policy, int attempt, double random);

}  // namespace kinbox

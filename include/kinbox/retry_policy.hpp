#pragma once

#include <chrono>
#include <string>

namespace kinbox {

/// How often, and how soon, a failing event is tried again in place.
struct RetryPolicy {
  /// Attempts before the policy's `then`. 1 disables retrying.
  int max_attempts = 5;
  /// Doubles after each attempt up to `max_delay`, with full jitter (a uniform draw from zero to
  /// that delay).
  std::chrono::milliseconds first_delay{100};
  std::chrono::milliseconds max_delay{30'000};
};

/// Upper bound of the delay after failed attempt number `attempt` (from 1).
std::chrono::milliseconds backoff_bound(const RetryPolicy& policy, int attempt);

/// The delay itself. `random` is uniform in [0, 1).
std::chrono::milliseconds backoff(const RetryPolicy& policy, int attempt, double random);

/// What happens when the attempts are used up, or were pointless.
enum class Then { kDeadLetter, kHalt, kSkip };

/// The ladder of a consumer, first part.
struct OnError {
  RetryPolicy retry;
  Then then = Then::kDeadLetter;
};

}  // namespace kinbox

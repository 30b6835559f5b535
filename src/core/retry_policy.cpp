#include "kinbox/retry_policy.hpp"

#include <algorithm>

namespace kinbox {

std::chrono::milliseconds backoff_bound(const RetryPolicy& policy, int attempt) {
  // 2^30 times anything reasonable is past any max_delay; the limit keeps the shift defined.
  const auto doublings = std::clamp(attempt - 1, 0, 30);
  const auto factor = std::int64_t{1} << doublings;
  if (policy.first_delay.count() > policy.max_delay.count() / factor) return policy.max_delay;
  return policy.first_delay * factor;
}

std::chrono::milliseconds backoff(const RetryPolicy& policy, int attempt, double random) {
  const auto bound = static_cast<double>(backoff_bound(policy, attempt).count());
  return std::chrono::milliseconds{static_cast<std::int64_t>(bound * random)};
}

}  // namespace kinbox

#include "core/ladder.hpp"

#include <cstddef>

namespace kinbox {

std::optional<std::chrono::milliseconds> retry_delay(const OnError& ladder,
                                                     const Diagnosis& diagnosis, int attempts,
                                                     std::chrono::milliseconds elapsed,
                                                     double random) {
  const auto& retry = ladder.retry;
  if (diagnosis.permanent || attempts >= retry.max_attempts) return std::nullopt;
  const auto delay = diagnosis.retry_after.value_or(backoff(retry, attempts, random));
  if (retry.max_elapsed && elapsed + delay > *retry.max_elapsed) return std::nullopt;
  return delay;
}

Then after_retries(const OnError& ladder, const Diagnosis& diagnosis) {
  return ladder.then == Then::kPark && diagnosis.permanent ? ladder.park.then : ladder.then;
}

std::optional<std::chrono::milliseconds> park_delay(const OnError& ladder,
                                                    const Diagnosis& diagnosis, int tries) {
  const auto& delays = ladder.park.delays;
  const auto next = static_cast<std::size_t>(tries);
  if (diagnosis.permanent || ladder.then != Then::kPark || next >= delays.size())
    return std::nullopt;
  return diagnosis.retry_after.value_or(delays[next]);
}

Then end_of_poison(const OnError& ladder) {
  const auto then = ladder.then == Then::kPark ? ladder.park.then : ladder.then;
  return then == Then::kHalt || then == Then::kSkip ? then : Then::kDeadLetter;
}

}  // namespace kinbox

#pragma once

#include <chrono>
#include <optional>

#include "core/failure.hpp"
#include "kinbox/on_error.hpp"

namespace kinbox {

/// How long to wait before the event is tried again in place; nullopt if it is not.
/// `elapsed`: since the first failure, of which there are `attempts` by now. `random` is uniform in
/// [0, 1).
std::optional<std::chrono::milliseconds> retry_delay(const OnError& ladder,
                                                     const Diagnosis& diagnosis, int attempts,
                                                     std::chrono::milliseconds elapsed,
                                                     double random);

/// What follows then. What may not be tried again is not parked.
Then after_retries(const OnError& ladder, const Diagnosis& diagnosis);

/// How long a parked event waits on; nullopt if its tries are used up, or pointless: then
/// `ladder.park.then` follows. `tries`: since it was parked, the failed one included.
std::optional<std::chrono::milliseconds> park_delay(const OnError& ladder,
                                                    const Diagnosis& diagnosis, int tries);

/// What becomes of a record that is no event, or whose type nobody takes: neither can be tried
/// again, and no handler could take it.
Then end_of_poison(const OnError& ladder);

}  // namespace kinbox

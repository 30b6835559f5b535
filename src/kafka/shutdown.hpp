#pragma once

#include <librdkafka/rdkafka.h>

#include <chrono>

namespace kinbox::kafka {

/// Leaves the group, serving callbacks, until `deadline` at most. Returns whether that succeeded.
bool leave_group(rd_kafka_t* rk, std::chrono::steady_clock::time_point deadline);

/// Destroys a client, whose callbacks are not called any more. The library can take for ever (it
/// waits for every message, and 2.0.2 for topics that were deleted): it is left to a thread of its
/// own. Returns whether it was done by `deadline`.
bool destroy_by(rd_kafka_t* rk, std::chrono::steady_clock::time_point deadline);

}  // namespace kinbox::kafka

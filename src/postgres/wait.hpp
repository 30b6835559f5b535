#pragma once

#include <chrono>

namespace kinbox::postgres {

using Deadline = std::chrono::steady_clock::time_point;

constexpr Deadline kNever = Deadline::max();

/// `timeout` from now.
Deadline after(std::chrono::milliseconds timeout);

/// Waits until one of poll()'s `events` (POLLIN, POLLOUT) is there on `socket` and returns what is;
/// 0 when the deadline passed first. A socket in error counts as ready: reading it tells why.
short wait_for(int socket, short events, Deadline deadline);

}  // namespace kinbox::postgres

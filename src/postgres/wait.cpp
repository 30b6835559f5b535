#include "postgres/wait.hpp"

#include <poll.h>

#include <algorithm>
#include <cerrno>
#include <climits>

namespace kinbox::postgres {
namespace {

int poll_timeout(Deadline deadline) {
  if (deadline == kNever) return -1;
  // Rounded up: a wait must not end, and be called again, within the last millisecond.
  const auto left =
      std::chrono::ceil<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now());
  return static_cast<int>(std::clamp<std::chrono::milliseconds::rep>(left.count(), 0, INT_MAX));
}

}  // namespace

Deadline after(std::chrono::milliseconds timeout) {
  return std::chrono::steady_clock::now() + timeout;
}

short wait_for(int socket, short events, Deadline deadline) {
  pollfd entry{socket, events, 0};
  for (;;) {
    const int ready = poll(&entry, 1, poll_timeout(deadline));
    if (ready > 0) return entry.revents;
    if (ready == 0) return 0;
    // Nothing but EINTR can happen to one valid entry; a signal does not stop the clock.
    if (errno != EINTR) return POLLERR;
  }
}

}  // namespace kinbox::postgres

// Linked into a program: its wall clock is wrong by the seconds in WRONG_CLOCK (may be negative),
// for it and every library it has loaded, whose calls find these functions before the C library's.
// How time passes is as ever.
#include <sys/syscall.h>
#include <sys/time.h>
#include <unistd.h>

#include <cstdlib>
#include <ctime>

namespace {

time_t error_in_seconds() {
  const auto* const value = std::getenv("WRONG_CLOCK");
  return value == nullptr ? 0 : static_cast<time_t>(std::atoll(value));
}

}  // namespace

extern "C" {

int clock_gettime(clockid_t clock, timespec* now) noexcept {
  const auto done = static_cast<int>(syscall(SYS_clock_gettime, clock, now));
  if (done == 0 && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE))
    now->tv_sec += error_in_seconds();
  return done;
}

int gettimeofday(timeval* now, void*) noexcept {
  timespec precise{};
  const auto done = clock_gettime(CLOCK_REALTIME, &precise);
  *now = {precise.tv_sec, precise.tv_nsec / 1000};
  return done;
}

time_t time(time_t* where) noexcept {
  timespec now{};
  clock_gettime(CLOCK_REALTIME, &now);
  if (where != nullptr) *where = now.tv_sec;
  return now.tv_sec;
}

}  // extern "C"

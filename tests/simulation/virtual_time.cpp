#include "simulation/virtual_time.hpp"

#include <sqlite3.h>

namespace kinbox::simulation {
namespace {

VirtualTime* current = nullptr;

/// SQLite counts milliseconds from noon in Greenwich on November 24, 4714 B.C.
constexpr std::int64_t kUnixEpoch = 210'866'760'000'000;

sqlite3_vfs* real_files = nullptr;

int virtual_time_of_sqlite(sqlite3_vfs* files, sqlite3_int64* now) {
  if (current == nullptr) return real_files->xCurrentTimeInt64(files, now);
  *now = kUnixEpoch + current->milliseconds();
  return SQLITE_OK;
}

}  // namespace

// SQLite asks its file system for the time.
void lend_sqlite_the_time() {
  if (real_files != nullptr) return;
  real_files = sqlite3_vfs_find(nullptr);
  static sqlite3_vfs files = *real_files;
  files.zName = "virtual_time";
  files.xCurrentTimeInt64 = virtual_time_of_sqlite;
  sqlite3_vfs_register(&files, 1);
}

VirtualTime::VirtualTime(std::uint64_t seed) : entropy_(seed) { current = this; }
VirtualTime::~VirtualTime() { current = nullptr; }

// What `ld --wrap=SYMBOL` makes of SYMBOL: callers get __wrap_SYMBOL, and __real_SYMBOL is the
// original.
VirtualTime::Clock::time_point real_now() noexcept
    __asm__("__real__ZNSt6chrono3_V212steady_clock3nowEv");
VirtualTime::Clock::time_point wrapped_now() noexcept
    __asm__("__wrap__ZNSt6chrono3_V212steady_clock3nowEv");
std::uint32_t real_entropy(std::random_device* device) __asm__(
    "__real__ZNSt13random_device9_M_getvalEv");
std::uint32_t wrapped_entropy(std::random_device* device) __asm__(
    "__wrap__ZNSt13random_device9_M_getvalEv");

VirtualTime::Clock::time_point wrapped_now() noexcept {
  return current != nullptr ? current->now() : real_now();
}

std::uint32_t wrapped_entropy(std::random_device* device) {
  return current != nullptr ? current->entropy() : real_entropy(device);
}

}  // namespace kinbox::simulation

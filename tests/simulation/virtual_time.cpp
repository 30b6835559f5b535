#include "simulation/virtual_time.hpp"

namespace kinbox::simulation {
namespace {

VirtualTime* current = nullptr;

}  // namespace

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

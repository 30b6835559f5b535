#include "observe/line_limiter.hpp"

#include <utility>

namespace kinbox::observe {
namespace {

// Keys hold partitions and topics: many, but not without end.
constexpr std::size_t kManyWindows = 4096;

}  // namespace

std::optional<std::int64_t> LineLimiter::admit(const std::string& key, Limit limit, TimePoint now) {
  if (windows_.size() >= kManyWindows) forget_finished(now);
  auto& window = windows_[key];
  if (now >= window.end) window = {now + limit.per, 0, window.held_back};
  if (window.lines >= limit.lines) {
    ++window.held_back;
    return std::nullopt;
  }
  ++window.lines;
  return std::exchange(window.held_back, 0);
}

void LineLimiter::forget_finished(TimePoint now) {
  std::erase_if(windows_, [&](const auto& entry) { return now >= entry.second.end; });
}

}  // namespace kinbox::observe

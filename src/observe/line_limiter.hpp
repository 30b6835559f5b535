#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>

namespace kinbox::observe {

/// Keeps one cause from flooding a log: of lines with one key, so many per window get through, and
/// the first of a later window says how many did not.
///
/// Not thread-safe.
class LineLimiter {
 public:
  using TimePoint = std::chrono::steady_clock::time_point;

  struct Limit {
    int lines = 10;
    std::chrono::seconds per{10};
  };

  /// Whether a line may be written now; then the number of its likes held back since the last one.
  std::optional<std::int64_t> admit(const std::string& key, Limit limit, TimePoint now);

  /// Causes it remembers.
  std::size_t size() const noexcept { return windows_.size(); }

 private:
  struct Window {
    TimePoint end;
    int lines = 0;
    std::int64_t held_back = 0;
  };
  void forget_finished(TimePoint now);

  std::map<std::string, Window> windows_;
};

}  // namespace kinbox::observe

#pragma once

#include <chrono>
#include <optional>

#include "kinbox/observe/log.hpp"
#include "kinbox/observer.hpp"

namespace kinbox::observe {

/// Turns many commits into a line now and then: the first at once, then at most one each
/// `kSummaryEvery`.
///
/// Not thread-safe.
class CommitSummary {
 public:
  using TimePoint = std::chrono::steady_clock::time_point;
  static constexpr std::chrono::seconds kSummaryEvery{10};

  void add(const notice::Committed& committed);

  /// The line, when there is something to say and it is time.
  std::optional<LogLine> due(TimePoint now);
  /// The line, when there is something to say.
  std::optional<LogLine> rest(TimePoint now);

 private:
  std::size_t records_ = 0;
  Tally tally_;
  std::optional<TimePoint> said_;
};

}  // namespace kinbox::observe

#pragma once

#include <chrono>
#include <optional>
#include <ostream>
#include <span>
#include <string>

#include "kinbox/replay.hpp"

namespace kinbox::cli {

/// "orders: 41.2 %  412000 of 1000000 offsets  18000/s  ETA 00:00:33  applied 4000, ..."
struct ReplayPosition {
  std::int64_t done = 0;
  std::int64_t all = 0;
  std::int64_t applied = 0;
  std::int64_t known = 0;
  std::int64_t dead = 0;
  std::int64_t left_alone = 0;
  std::int64_t silenced = 0;

  explicit ReplayPosition(std::span<const Replayer::Progress> partitions = {});
};

/// One line about how far it is; `took` is what the records since `before` needed.
std::string progress_text(const ReplayPosition& before, const ReplayPosition& now,
                          std::chrono::duration<double> took, std::size_t bar);

/// Shows it: a line that redraws itself on a terminal, else one every ten seconds.
class ProgressLine {
 public:
  using TimePoint = std::chrono::steady_clock::time_point;

  ProgressLine(std::ostream& out, bool terminal) : out_(out), terminal_(terminal) {}

  void show(const ReplayPosition& position, TimePoint now);
  /// The last one, on a line of its own.
  void end(const ReplayPosition& position, TimePoint now);

 private:
  void write(const ReplayPosition& position, TimePoint now);

  std::ostream& out_;
  bool terminal_;
  std::optional<ReplayPosition> first_;
  TimePoint since_{};
  TimePoint next_{};
  std::size_t width_ = 0;
};

}  // namespace kinbox::cli

#pragma once

#include <chrono>
#include <optional>

#include "kinbox/record.hpp"

namespace kinbox::kafka {

/// Of one partition that is fetched: notices that nothing comes of it although its log goes on, and
/// says what to do.
///
/// Decides only: it is told what was seen and when. That the log goes on counts from the moment it
/// was known, and only while the library had nothing else to deliver: what waits in its queue
/// behind the records of others has not stalled.
class Stall {
 public:
  using TimePoint = std::chrono::steady_clock::time_point;

  enum class Step { kNone, kSeek, kReassign };

  struct Sight {
    /// Where the library is: behind the last record, or at the end that it reported. Markers of
    /// transactions and what was compacted away are behind it then.
    Offset position = 0;
    /// One past the last offset that may be read: records of open transactions do not count.
    /// nullopt when nobody could tell.
    std::optional<Offset> end;
    TimePoint end_known_at;
    /// When a poll came back with nothing for the last time.
    TimePoint empty_at;
  };

  /// A step after `patience`, the next ones after twice, four times as long, and so on.
  Step look(const Sight& sight, std::chrono::milliseconds patience);

  /// Something came of it, or our caller moved it. Whether steps had been taken before.
  bool over();

 private:
  std::optional<TimePoint> behind_since_;
  int steps_ = 0;
};

}  // namespace kinbox::kafka

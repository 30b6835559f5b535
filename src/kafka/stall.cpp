#include "kafka/stall.hpp"

#include <algorithm>
#include <utility>

namespace kinbox::kafka {

Stall::Step Stall::look(const Sight& sight, std::chrono::milliseconds patience) {
  if (!sight.end || *sight.end <= sight.position) {
    behind_since_.reset();
    return Step::kNone;
  }
  if (!behind_since_) {
    behind_since_ = sight.end_known_at;
    return Step::kNone;
  }
  constexpr int kMostDoublings = 5;
  if (sight.empty_at - *behind_since_ < patience * (1 << std::min(steps_, kMostDoublings)))
    return Step::kNone;
  behind_since_ = sight.end_known_at;
  return steps_++ == 0 ? Step::kSeek : Step::kReassign;
}

bool Stall::over() {
  behind_since_.reset();
  return std::exchange(steps_, 0) > 0;
}

}  // namespace kinbox::kafka

#pragma once

#include <algorithm>
#include <cstddef>

namespace kinbox {

/// Whether the events that come are known, told from those that came: streams of known events (a
/// producer that starts over, a group whose offsets were reset) are long.
class KnownStream {
 public:
  /// Whether ids are looked for before they are claimed.
  bool look_first() const noexcept { return look_first_; }

  /// How many usual batches the next one may cover, as long as it meets nothing new: a known event
  /// costs so little that the COMMIT counts. 1 to kMaxReach.
  std::size_t reach() const noexcept { return reach_; }

  /// `known` of a batch of `events` were.
  void committed(std::size_t known, std::size_t events) noexcept {
    look_first_ = known * 2 > events;
    reach_ = known == events ? std::min(kMaxReach, reach_ * 2) : 1;
  }

  /// A batch that covered several met something new, and was not committed.
  void met_new() noexcept { reach_ = 1; }

  static constexpr std::size_t kMaxReach = 4;

 private:
  bool look_first_ = false;
  std::size_t reach_ = 1;
};

}  // namespace kinbox

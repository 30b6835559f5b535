#pragma once

#include <cstddef>

#include "kinbox/record.hpp"

namespace kinbox {

/// Finds the event that breaks its transaction every time (it kills its connection, say), and so
/// looks like an outage for ever.
///
/// A strike is a failure as infrastructure while the database answers a probe. Three strikes of
/// batches in a row make them run one record at a time; three strikes in a row of a record alone
/// count as one failed attempt of its event.
class Strikes {
 public:
  explicit Strikes(std::size_t alone) : alone_(alone) {}

  /// Whether records run one at a time for now.
  bool alone() const noexcept { return alone_left_ > 0; }

  /// A batch was committed.
  void committed() noexcept {
    clear();
    if (alone_left_ > 0) --alone_left_;
  }

  /// The database is away: nobody is under suspicion.
  void clear() noexcept {
    of_batches_ = 0;
    of_record_ = 0;
  }

  void batch() noexcept {
    if (++of_batches_ < kEnough) return;
    of_batches_ = 0;
    alone_left_ = alone_;
  }

  /// Whether the record's event has failed.
  bool record(const Record& record) {
    const bool same =
        suspect_partition_ == record.topic_partition() && suspect_offset_ == record.offset();
    of_record_ = same ? of_record_ + 1 : 1;
    suspect_partition_ = record.topic_partition();
    suspect_offset_ = record.offset();
    if (of_record_ < kEnough) return false;
    of_record_ = 0;
    return true;
  }

 private:
  static constexpr int kEnough = 3;

  std::size_t alone_;
  std::size_t alone_left_ = 0;
  int of_batches_ = 0;
  int of_record_ = 0;
  TopicPartition suspect_partition_;
  Offset suspect_offset_ = -1;
};

}  // namespace kinbox

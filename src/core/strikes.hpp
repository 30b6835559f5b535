#pragma once

#include <cstddef>
#include <map>
#include <utility>

#include "kinbox/record.hpp"

namespace kinbox {

/// Finds the event that breaks its transaction every time (it kills its connection, say), and so
/// looks like an outage for ever.
///
/// A strike is a failure as infrastructure while the database answers a probe. Three strikes of
/// batches in a row make them run one record at a time; three strikes of a record alone, with
/// nothing committed between them, count as one failed attempt of its event.
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
    of_records_.clear();
  }

  void batch() noexcept {
    if (++of_batches_ < kEnough) return;
    of_batches_ = 0;
    alone_left_ = alone_;
  }

  /// Whether the record's event has failed. Records are counted apart: one that is polled and one
  /// that was set aside may take turns.
  bool record(const Record& record) {
    auto& strikes = of_records_[{record.topic_partition(), record.offset()}];
    if (++strikes < kEnough) return false;
    of_records_.clear();
    return true;
  }

 private:
  static constexpr int kEnough = 3;

  std::size_t alone_;
  std::size_t alone_left_ = 0;
  int of_batches_ = 0;
  std::map<std::pair<TopicPartition, Offset>, int> of_records_;
};

}  // namespace kinbox

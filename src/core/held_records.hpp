#pragma once

#include <deque>
#include <map>
#include <vector>

#include "kinbox/dispatcher.hpp"
#include "kinbox/record.hpp"

namespace kinbox {

/// Records that were polled and cannot be decided yet, per partition in order. They own their
/// bytes: a held record must not pin the fetch buffer it came in.
class HeldRecords {
 public:
  void add(const Record& record) {
    by_partition_[record.topic_partition()].push_back(record.detach());
  }

  bool holds(const TopicPartition& partition) const { return by_partition_.contains(partition); }
  bool empty() const noexcept { return by_partition_.empty(); }
  void drop(const TopicPartition& partition) { by_partition_.erase(partition); }

  /// Moves the records of a partition to the end of `out`.
  void release(const TopicPartition& partition, std::vector<Record>& out) {
    const auto held = by_partition_.find(partition);
    if (held == by_partition_.end()) return;
    for (auto& record : held->second) out.push_back(std::move(record));
    by_partition_.erase(held);
  }

 private:
  std::map<TopicPartition, std::deque<Record>> by_partition_;
};

}  // namespace kinbox

#pragma once

#include <map>

#include "kinbox/record.hpp"

namespace kinbox {

/// Consecutive records mostly share their partition; the map is asked once per run of them. Not to
/// be kept while entries of the map come and go.
template <typename Value>
class PartitionLookup {
 public:
  explicit PartitionLookup(std::map<TopicPartition, Value>& partitions)
      : partitions_(partitions), latest_(partitions.end()) {}

  /// Null: the map does not have it.
  Value* find(const Record& record) {
    if (latest_ == partitions_.end() || latest_->first.partition != record.partition() ||
        latest_->first.topic != record.topic())
      latest_ = partitions_.find(record.topic_partition());
    return latest_ == partitions_.end() ? nullptr : &latest_->second;
  }

 private:
  std::map<TopicPartition, Value>& partitions_;
  typename std::map<TopicPartition, Value>::iterator latest_;
};

}  // namespace kinbox

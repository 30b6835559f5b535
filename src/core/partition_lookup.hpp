#pragma once

#include "kinbox/dispatcher.hpp"
#include "kinbox/record.hpp"

namespace kinbox {

/// Consecutive records mostly share their partition; the map is asked once per run of them. Not to
/// be kept while partitions come and go.
class PartitionLookup {
 public:
  explicit PartitionLookup(OwnedPartitions& partitions) : partitions_(partitions) {}

  /// Null: it is none of ours.
  OwnedPartition* find(const Record& record) {
    if (last_ != nullptr && last_->id.partition == record.partition() &&
        last_->id.topic == record.topic())
      return last_;
    const auto found = partitions_.find(record.topic_partition());
    if (found == partitions_.end()) return nullptr;
    last_ = &found->second;
    return last_;
  }

 private:
  OwnedPartitions& partitions_;
  OwnedPartition* last_ = nullptr;
};

}  // namespace kinbox

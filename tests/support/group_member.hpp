#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <memory>
#include <mutex>
#include <utility>

#include "kinbox/kafka/source.hpp"
#include "support/kafka.hpp"

namespace kinbox::testing {

/// Positions and counts that outlive members, as a database would keep them. Thread-safe.
class SharedPositions {
 public:
  Offset next(const TopicPartition& partition) {
    const std::lock_guard lock(mutex_);
    return next_[partition];
  }

  /// Records of one partition must not leave out any: their topic has no gaps.
  void apply(const Record& record) {
    const std::lock_guard lock(mutex_);
    auto& next = next_[record.topic_partition()];
    EXPECT_LE(record.offset(), next) << "records were left out";
    ++deliveries_;
    next = std::max(next, record.offset() + 1);
  }

  /// Distinct records.
  Offset applied() {
    const std::lock_guard lock(mutex_);
    Offset sum = 0;
    for (const auto& [partition, next] : next_) sum += next;
    return sum;
  }
  Offset deliveries() {
    const std::lock_guard lock(mutex_);
    return deliveries_;
  }

 private:
  std::mutex mutex_;
  std::map<TopicPartition, Offset> next_;
  Offset deliveries_ = 0;
};

/// A member of a group that keeps book of what it owns: what it gets must be its own.
class GroupMember {
 public:
  GroupMember(kafka::SourceOptions options, Observer& observer, SharedPositions& positions)
      : positions_(positions),
        listener_([this](const TopicPartition& partition) { return positions_.next(partition); }),
        source_(kafka::make_source(std::move(options), observer)) {
    source_->subscribe(listener_);
  }

  void poll(PollBudget budget = kSmallWait) {
    for (const auto& record : source_->poll(budget).records) {
      EXPECT_TRUE(listener_.owned().contains(record.topic_partition()))
          << "delivered to a stranger";
      positions_.apply(record);
    }
  }

  Source& source() { return *source_; }
  const std::set<TopicPartition>& owned() const { return listener_.owned(); }

 private:
  SharedPositions& positions_;
  RecordingListener listener_;
  std::unique_ptr<Source> source_;
};

}  // namespace kinbox::testing

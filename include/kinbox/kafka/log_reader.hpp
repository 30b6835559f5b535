#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "kinbox/kafka/settings.hpp"
#include "kinbox/source.hpp"

namespace kinbox::kafka {

/// A piece of a partition's log: the offsets from `begin` up to, and without, `end`.
struct LogSlice {
  TopicPartition partition;
  Offset begin = 0;
  Offset end = 0;

  bool operator==(const LogSlice&) const = default;
};

/// How much is read where brokers do not know at which offset a time is.
struct TimeScanBounds {
  /// Of all partitions together.
  std::int64_t records = 1'000'000;
  std::chrono::milliseconds time = std::chrono::seconds{60};
};

/// Reads pieces of logs. Belongs to no group and tells nobody how far it is: whoever consumes the
/// topic does not notice.
///
/// Every call throws InfrastructureError when the brokers say nothing for `patience`, and
/// ConfigurationError for a topic that is not there or not allowed. Not thread-safe.
class LogReader {
 public:
  explicit LogReader(const Settings& settings,
                     std::chrono::milliseconds patience = std::chrono::seconds{15},
                     const TimeScanBounds& scan = {});
  ~LogReader();

  /// What the logs hold now.
  std::map<TopicPartition, LogRange> ranges(std::span<const TopicPartition> partitions);
  /// Offsets of the first records at or after `time`; the logs' ends where there is none. Where
  /// brokers cannot tell, the logs are read from their beginnings on; throws Error when that takes
  /// more than `scan` allows.
  std::map<TopicPartition, Offset> offsets_at(std::span<const TopicPartition> partitions,
                                              Timestamp time);

  /// See Source::cluster_id.
  std::string cluster_id();
  /// See Source::topic_id.
  std::string topic_id(const std::string& topic);

  /// What `next` brings from now on. At most one slice of a partition.
  void start(std::span<const LogSlice> slices);
  /// Records of the slices, one at least and `max_records` at most, in order per partition. Nothing
  /// when all is read: what an open transaction keeps back at the end of a log is not waited for.
  /// Throws Error for records that are damaged, or gone since the ranges were asked for.
  std::vector<Record> next(std::size_t max_records);

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace kinbox::kafka

#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "kinbox/kafka/log_reader.hpp"

namespace kinbox::cli {

/// Which records of a topic a command is about.
struct TopicRange {
  std::string topic;
  std::optional<std::int32_t> partition = {};
  /// An offset, or a time that says its zone; empty: the log's start, its end.
  std::string from = {};
  std::string until = {};
};

/// What of the topic's logs is there now and in the range, a slice per partition. `topics` are the
/// cluster's. Throws UsageError for a place that is none or a partition that is not there, Error if
/// there is no such topic.
std::vector<kafka::LogSlice> slices_of(kafka::LogReader& reader,
                                       const std::map<std::string, int>& topics,
                                       const TopicRange& range);

/// How many offsets the slices span: records at most.
std::int64_t size_of(const std::vector<kafka::LogSlice>& slices);

}  // namespace kinbox::cli

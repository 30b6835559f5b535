#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "kinbox/record.hpp"

namespace kinbox {

/// Which records a replay looks at.
struct ReplaySlice {
  TopicPartition partition;
  /// The offsets from `begin` up to, and without, `end`.
  Offset begin = 0;
  Offset end = 0;

  bool operator==(const ReplaySlice&) const = default;
};

/// Which events among them; an empty list stands for all.
struct ReplayFilter {
  std::vector<std::string> handlers;
  std::vector<std::string> event_types;
  std::vector<std::string> event_ids;
  /// Records whose key is one of these, byte for byte.
  std::vector<std::string> keys;

  bool operator==(const ReplayFilter&) const = default;
};

/// What a handler is told that is about to handle a piece of its past once more.
struct ReplayRange {
  std::string consumer;
  /// Grows with each replay that runs handlers again.
  std::int64_t generation = 0;
  /// In order of topic and partition; each at most once.
  std::vector<ReplaySlice> slices;
  ReplayFilter filter;
};

}  // namespace kinbox

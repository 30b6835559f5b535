#pragma once

#include <string>

#include "kinbox/record.hpp"

namespace kinbox {

/// As people are told: "topic/partition".
inline std::string partition_text(const TopicPartition& partition) {
  return partition.topic + '/' + std::to_string(partition.partition);
}

/// As people are told: "topic/partition@offset".
inline std::string coordinates_text(const TopicPartition& partition, Offset offset) {
  return partition_text(partition) + '@' + std::to_string(offset);
}

inline std::string partition_text(const OwnedRecord& record) {
  return partition_text(TopicPartition{record.topic, record.partition});
}

inline std::string coordinates_text(const OwnedRecord& record) {
  return coordinates_text(TopicPartition{record.topic, record.partition}, record.offset);
}

}  // namespace kinbox

#pragma once

#include <cstdint>
#include <optional>

#include "kinbox/record.hpp"
#include "kinbox/rows.hpp"

namespace kinbox {

// How records and times stand in tables.

std::optional<std::int64_t> milliseconds(std::optional<Timestamp> time);
std::optional<Timestamp> timestamp(std::optional<std::int64_t> milliseconds);

/// What the columns topic and partition name.
TopicPartition stored_partition(const Row& row);

/// The record in the columns topic, partition, record_offset, record_timestamp_ms, key, value and
/// headers. Throws Error on headers that kinbox did not write.
OwnedRecord stored_record(const Row& row);

}  // namespace kinbox

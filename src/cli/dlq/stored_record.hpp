#pragma once

#include <optional>
#include <string>

#include "kinbox/record.hpp"
#include "kinbox/rows.hpp"

namespace kinbox::cli {

/// The bytes of a column, or nothing where it is NULL.
std::optional<std::string> bytes_of(const Row& row, std::string_view column);

/// The record that a row keeps: topic, partition, offset, record_timestamp_ms, key, value, headers.
OwnedRecord stored_record(const Row& row);

}  // namespace kinbox::cli

#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "kinbox/record.hpp"

namespace kinbox {

/// A dead letter as the relay reads it.
struct StoredLetter {
  /// The record as it was consumed.
  OwnedRecord record;
  std::string message_id;
  std::string group;
  std::string event_id;
  std::string handler;
  std::string reason;
  std::string error_type;
  std::string error_text;
  std::string fingerprint_hex;
  std::int64_t attempts = 0;
  std::int64_t redrive_count = 0;
  /// ISO 8601, UTC; empty if unknown.
  std::string first_failed_at;
  std::string dead_at;
};

/// The record for the DLQ topic: key, value, headers and timestamp as they were, then who failed
/// and why. The names `__dlq.errors.*` are those that Kafka itself uses since KIP-1191. A record
/// that comes from a DLQ topic keeps its origin and gets the new error.
OwnedRecord dlq_record(StoredLetter letter, std::string dlq_topic);

/// Whether dlq_record writes a header of that name.
bool is_dlq_header(std::string_view name);

}  // namespace kinbox

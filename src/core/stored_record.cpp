#include "core/stored_record.hpp"

#include <string>

#include "core/header_codec.hpp"

namespace kinbox {
namespace {

std::optional<std::string> as_string(const std::optional<ByteVector>& bytes) {
  if (!bytes) return std::nullopt;
  return std::string(as_text(*bytes));
}

}  // namespace

std::optional<std::int64_t> milliseconds(std::optional<Timestamp> time) {
  if (!time) return std::nullopt;
  return time->time_since_epoch().count();
}

std::optional<Timestamp> timestamp(std::optional<std::int64_t> milliseconds) {
  if (!milliseconds) return std::nullopt;
  return Timestamp{std::chrono::milliseconds{*milliseconds}};
}

TopicPartition stored_partition(const Row& row) {
  return {row.get<std::string>("topic"),
          static_cast<std::int32_t>(row.get<std::int64_t>("partition"))};
}

OwnedRecord stored_record(const Row& row) {
  OwnedRecord record;
  record.topic = row.get<std::string>("topic");
  record.partition = static_cast<std::int32_t>(row.get<std::int64_t>("partition"));
  record.offset = row.get<std::int64_t>("record_offset");
  record.timestamp = timestamp(row.get<std::optional<std::int64_t>>("record_timestamp_ms"));
  record.key = as_string(row.get<std::optional<ByteVector>>("key"));
  record.value = as_string(row.get<std::optional<ByteVector>>("value"));
  record.headers = decode_headers(row.get<std::string>("headers"));
  return record;
}

}  // namespace kinbox

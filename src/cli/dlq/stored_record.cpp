#include "cli/dlq/stored_record.hpp"

#include "core/header_codec.hpp"

namespace kinbox::cli {

std::optional<std::string> bytes_of(const Row& row, std::string_view column) {
  const auto bytes = row.get<std::optional<ByteVector>>(column);
  if (!bytes) return std::nullopt;
  return std::string(as_text(*bytes));
}

OwnedRecord stored_record(const Row& row) {
  OwnedRecord record;
  record.topic = row.get<std::string>("topic");
  record.partition = static_cast<std::int32_t>(row.get<std::int64_t>("partition"));
  record.offset = row.get<std::int64_t>("offset");
  record.key = bytes_of(row, "key");
  record.value = bytes_of(row, "value");
  record.headers = decode_headers(row.get<std::string>("headers"));
  if (const auto ms = row.get<std::optional<std::int64_t>>("record_timestamp_ms"))
    record.timestamp = Timestamp{std::chrono::milliseconds{*ms}};
  return record;
}

}  // namespace kinbox::cli

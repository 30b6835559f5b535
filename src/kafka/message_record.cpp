#include "kafka/message_record.hpp"

namespace kinbox::kafka {
namespace {

std::optional<Bytes> view(const void* data, std::size_t size) {
  if (data == nullptr) return std::nullopt;
  return Bytes(static_cast<const std::byte*>(data), size);
}

std::optional<Timestamp> timestamp_of(const rd_kafka_message_t& message) {
  rd_kafka_timestamp_type_t type = RD_KAFKA_TIMESTAMP_NOT_AVAILABLE;
  const auto milliseconds = rd_kafka_message_timestamp(&message, &type);
  if (type == RD_KAFKA_TIMESTAMP_NOT_AVAILABLE || milliseconds < 0) return std::nullopt;
  return Timestamp(std::chrono::milliseconds(milliseconds));
}

}  // namespace

std::vector<Header> headers_of(const rd_kafka_message_t& message) {
  std::vector<Header> headers;
  rd_kafka_headers_t* raw = nullptr;  // stays the message's
  if (rd_kafka_message_headers(&message, &raw) != RD_KAFKA_RESP_ERR_NO_ERROR) return headers;
  headers.reserve(rd_kafka_header_cnt(raw));
  const char* name = nullptr;
  const void* value = nullptr;
  std::size_t size = 0;
  for (std::size_t i = 0;
       rd_kafka_header_get_all(raw, i, &name, &value, &size) == RD_KAFKA_RESP_ERR_NO_ERROR; ++i)
    headers.push_back({name, view(value, size)});
  return headers;
}

Record to_record(MessageHandle message) {
  Record::Parts parts{.topic = rd_kafka_topic_name(message->rkt),
                      .partition = message->partition,
                      .offset = message->offset,
                      .timestamp = timestamp_of(*message),
                      .key = view(message->key, message->key_len),
                      .value = view(message->payload, message->len),
                      .headers = headers_of(*message)};
  return Record(std::move(parts), Record::KeepAlive(message.release(), [](void* owned) {
                  rd_kafka_message_destroy(static_cast<rd_kafka_message_t*>(owned));
                }));
}

}  // namespace kinbox::kafka

#include "core/dlq_record.hpp"

#include <algorithm>
#include <array>
#include <string_view>

#include "core/storable_text.hpp"

namespace kinbox {
namespace {

constexpr std::size_t kMaxMessage = 1024;
constexpr std::string_view kOriginTopic = "__dlq.errors.topic";
constexpr std::string_view kOriginPartition = "__dlq.errors.partition";
constexpr std::string_view kOriginOffset = "__dlq.errors.offset";

using Headers = std::vector<OwnedRecord::OwnedHeader>;

bool is_origin(std::string_view name) {
  return name == kOriginTopic || name == kOriginPartition || name == kOriginOffset;
}

/// What we write ourselves: a former error's headers are replaced.
bool is_ours(std::string_view name) {
  constexpr std::array<std::string_view, 14> kNames{
      "__dlq.errors.group",   "__dlq.errors.delivery.count",
      "__dlq.errors.message", "kinbox-message-id",
      "kinbox-event-id",      "kinbox-handler",
      "kinbox-reason",        "kinbox-error-type",
      "kinbox-error-message", "kinbox-fingerprint",
      "kinbox-attempts",      "kinbox-first-failed-at",
      "kinbox-dead-at",       "kinbox-redrive-count"};
  return std::find(kNames.begin(), kNames.end(), name) != kNames.end();
}

void add(Headers& headers, std::string_view name, std::string value) {
  if (!value.empty()) headers.push_back({std::string(name), std::move(value)});
}

void add_origin(Headers& headers, const OwnedRecord& record) {
  const auto known = [](const auto& header) { return header.name == kOriginTopic; };
  if (std::any_of(headers.begin(), headers.end(), known)) return;
  std::erase_if(headers, [](const auto& header) { return is_origin(header.name); });
  add(headers, kOriginTopic, record.topic);
  add(headers, kOriginPartition, std::to_string(record.partition));
  add(headers, kOriginOffset, std::to_string(record.offset));
}

void add_error(Headers& headers, const StoredLetter& letter) {
  const auto message = storable_text(letter.error_text, kMaxMessage);
  add(headers, "__dlq.errors.group", letter.group);
  add(headers, "__dlq.errors.delivery.count", std::to_string(letter.attempts));
  add(headers, "__dlq.errors.message", message);
  add(headers, "kinbox-message-id", letter.message_id);
  add(headers, "kinbox-event-id", letter.event_id);
  add(headers, "kinbox-handler", letter.handler);
  add(headers, "kinbox-reason", letter.reason);
  add(headers, "kinbox-error-type", letter.error_type);
  add(headers, "kinbox-error-message", message);
  add(headers, "kinbox-fingerprint", letter.fingerprint_hex);
  add(headers, "kinbox-attempts", std::to_string(letter.attempts));
  add(headers, "kinbox-first-failed-at", letter.first_failed_at);
  add(headers, "kinbox-dead-at", letter.dead_at);
  add(headers, "kinbox-redrive-count", std::to_string(letter.redrive_count));
}

}  // namespace

bool is_dlq_header(std::string_view name) { return is_origin(name) || is_ours(name); }

OwnedRecord dlq_record(StoredLetter letter, std::string dlq_topic) {
  auto& headers = letter.record.headers;
  std::erase_if(headers, [](const auto& header) { return is_ours(header.name); });
  add_origin(headers, letter.record);
  add_error(headers, letter);
  letter.record.topic = std::move(dlq_topic);
  return std::move(letter.record);
}

}  // namespace kinbox

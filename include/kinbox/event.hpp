#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "kinbox/bytes.hpp"
#include "kinbox/fingerprint.hpp"
#include "kinbox/record.hpp"

namespace kinbox {

struct JsonDocument;

/// What a handler sees: a record whose identity and type are known.
///
/// A view: it points into its Record and is valid during `handle()`. Copy what must live longer.
class Event {
 public:
  struct Parts {
    /// The scoped id, as stored in `processed_events.event_id`: UTF-8, 1 to 512 bytes, no NUL.
    std::string id;
    std::string type;
    /// The payload where it lives inside the record's value.
    std::optional<Bytes> payload;
    /// The payload when it had to be built (a JSON string that held JSON); `payload` is ignored
    /// then.
    std::optional<std::string> unwrapped;
    /// `payload` as JSON, where its identity was looked for in it: read once for all.
    std::shared_ptr<const JsonDocument> json = nullptr;
    Fingerprint fingerprint;
  };

  Event(const Record& record, Parts parts) : record_(&record), parts_(std::move(parts)) {}

  const std::string& id() const noexcept { return parts_.id; }
  const std::string& type() const noexcept { return parts_.type; }
  std::optional<Bytes> key() const noexcept { return record_->key(); }
  std::optional<Bytes> header(std::string_view name) const noexcept {
    return record_->header(name);
  }
  /// The business payload, without envelope (CloudEvents structured `data`, Connect's
  /// `{"schema","payload"}`, a JSON string holding JSON). Null for a tombstone.
  std::optional<Bytes> payload() const noexcept {
    if (parts_.unwrapped) return as_bytes(*parts_.unwrapped);
    return parts_.payload;
  }
  /// The payload as it was read for its identity; null if it was not. For `JsonPayload`.
  const std::shared_ptr<const JsonDocument>& json() const noexcept { return parts_.json; }
  /// The record as Kafka delivered it.
  const Record& record() const noexcept { return *record_; }
  const Fingerprint& fingerprint() const noexcept { return parts_.fingerprint; }

 private:
  const Record* record_;
  Parts parts_;
};

}  // namespace kinbox

#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "core/json_document.hpp"
#include "core/json_pointer.hpp"
#include "kinbox/bytes.hpp"
#include "kinbox/event_decoder.hpp"
#include "kinbox/record.hpp"

namespace kinbox {

/// The context attributes of a structured CloudEvent that matter here, as they stand in its
/// envelope; absent ones are null.
struct CloudEventAttributes {
  std::optional<JsonValue> source;
  std::optional<JsonValue> id;
  std::optional<JsonValue> type;
};

/// A record's value with its wrappings taken off, each at most once and in this order: Confluent's
/// schema prefix; a structured CloudEvent's envelope, else Connect's `{"schema","payload"}`; a JSON
/// string that holds a JSON object or array; and Debezium's null, the four bytes `null`.
///
/// JSON is read when a wrapping shows or a pointer is looked up, and not otherwise. Points into the
/// record and into itself: it stays where it was made.
class EventBody {
 public:
  EventBody(const Record& record, const IdentityRules& rules) : record_(record), rules_(rules) {}
  EventBody(const EventBody&) = delete;
  EventBody& operator=(const EventBody&) = delete;

  /// Takes the wrappings off; what is wrong with the value, if anything. Before all else.
  std::optional<Poison> open();

  /// Null for a tombstone.
  std::optional<std::string_view> text() const noexcept { return text_; }
  /// The built payload that `text` points into, if one had to be built; the body is used up.
  std::optional<std::string> take_unwrapped() { return std::move(unwrapped_); }
  /// The document that `text` is, if it was read and lies in the record's value; it is used up.
  std::shared_ptr<const JsonDocument> take_json();
  /// Null unless the record is a structured CloudEvent.
  const CloudEventAttributes* cloud_event() const noexcept {
    return cloud_event_ ? &*cloud_event_ : nullptr;
  }

  /// The payload is no JSON. What that means is the caller's to say.
  struct NotJson {
    std::string detail;
    /// It starts like an object or array, so JSON is what it was meant to be.
    bool broken = false;
  };
  using Found = std::variant<std::monostate, JsonValue, NotJson, Poison>;

  /// What the JSON pointer finds in the payload.
  Found find(std::string_view pointer);

 private:
  const JsonRead& json();
  void set_text(std::string_view text);
  void set_built_text(std::string text);

  void strip_schema_prefix();
  std::optional<Poison> open_cloud_event();
  std::optional<Poison> take_cloud_event_data(const JsonDocument& envelope);
  std::optional<Poison> take_plain_data(const JsonValue& data, const JsonValue* content_type);
  std::optional<Poison> take_base64_data(const JsonValue& data);
  void open_connect_envelope();
  void open_json_string();
  void open_null_literal();

  NotJson not_json() const;
  Poison poison(JsonFault fault) const;

  const Record& record_;
  const IdentityRules& rules_;
  std::optional<std::string_view> text_;
  std::optional<std::string> unwrapped_;
  std::optional<JsonRead> json_;
  std::optional<CloudEventAttributes> cloud_event_;
  bool framed_binary_ = false;
};

/// The part of a value that its fingerprint covers: without Confluent's schema prefix (0x00 and a
/// four-byte schema id), which a re-registered schema changes and the event's content does not.
Bytes without_schema_prefix(Bytes value);

}  // namespace kinbox

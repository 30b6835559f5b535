#include "kinbox/outbox.hpp"

#include <algorithm>

#include "core/header_codec.hpp"
#include "core/outbox_place.hpp"
#include "core/outgoing_event.hpp"
#include "core/storable_text.hpp"
#include "core/uuid.hpp"
#include "kinbox/errors.hpp"

namespace kinbox {
namespace {

constexpr std::string_view kInsert =
    "INSERT INTO {kinbox}.outbox "
    "(lane, key_hash, message_id, topic, event_type, key, value, headers, causation_id) "
    "VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)";

// The names that Debezium's outbox event router looks for.
constexpr std::string_view kInsertForCapture =
    "INSERT INTO {kinbox}.outbox_events (id, source, aggregatetype, aggregateid, type, payload, "
    "occurred_at, content_type, causationid, traceparent, tracestate, correlationid, headers) "
    "VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)";
// The log has the row; the table stays empty.
constexpr std::string_view kForget =
    "DELETE FROM {kinbox}.outbox_events WHERE id = $1 AND source = $2";

/// Debezium leaves out no header, but writes null ones.
std::optional<std::string_view> or_null(const std::string& text) {
  if (text.empty()) return std::nullopt;
  return text;
}

/// The one header of the event's own that gets a column: requesters find their replies by it.
std::optional<std::string_view> correlation_of(const OutgoingEvent& event) {
  const auto& headers = event.headers;
  const auto last = std::find_if(headers.rbegin(), headers.rend(),
                                 [](const auto& h) { return h.name == "correlation-id"; });
  if (last == headers.rend() || !last->value || !is_storable_text(*last->value))
    return std::nullopt;
  return *last->value;
}

std::string own_headers(const OutgoingEvent& event) {
  std::vector<Header> headers;
  for (const auto& [name, value] : event.headers)
    headers.push_back({name, value ? std::optional(as_bytes(*value)) : std::nullopt});
  return encode_headers(headers);
}

std::optional<Bytes> bytes_of(const std::optional<std::string>& text) {
  if (!text) return std::nullopt;
  return as_bytes(*text);
}

}  // namespace

Outbox::Outbox(const Dialect& dialect, OutboxOptions options)
    : options_(std::move(options)),
      insert_(dialect.render(options_.relay == OutboxOptions::Relay::kCdc ? kInsertForCapture
                                                                          : kInsert)),
      forget_(dialect.render(kForget)) {
  if (options_.relay == OutboxOptions::Relay::kCdc && dialect.backend() == Backend::kSqlite)
    throw ConfigurationError(
        "relay: cdc needs PostgreSQL: SQLite has no log that changes could be captured from. "
        "Leave kinbox's own relay on");
  if (!options_.source.empty() && !is_uri_reference(options_.source))
    throw ConfigurationError("the outbox's source \"" + options_.source +
                             "\" is no URI reference; use something like /shop/orders");
}

std::string Outbox::emit(Transaction& tx, const OutgoingEvent& event) const {
  const auto decided = decide(event, options_, tx.handling_, tx.emitted_);
  const auto headers = wire_headers(event, decided);
  refuse_too_large(event, headers, options_.max_bytes);
  if (options_.relay == OutboxOptions::Relay::kCdc && event.key && !is_storable_text(*event.key))
    refuse_outgoing(event, "its key is no text, which change data capture needs (relay: cdc)");
  ++tx.emitted_;
  if (tx.handling_.silences_events) {
    ++tx.silenced_;
    return decided.id;
  }
  if (options_.relay == OutboxOptions::Relay::kCdc) {
    tx.execute(insert_, decided.id, decided.source, event.topic, event.key, event.type,
               bytes_of(event.payload), decided.time, event.content_type,
               or_null(decided.causation_id), or_null(decided.traceparent),
               or_null(decided.tracestate), correlation_of(event), own_headers(event));
    tx.execute(forget_, decided.id, decided.source);
    return decided.id;
  }
  // Events without a key have no order to keep: spread by id.
  const auto place = outbox_place(event.topic, event.key.value_or(decided.id));
  tx.execute(insert_, place.lane, place.hash, decided.id, event.topic, event.type,
             bytes_of(event.key), bytes_of(event.payload), encode_headers(headers),
             decided.causation_id);
  ++tx.outbox_rows_;
  return decided.id;
}

std::string random_event_id() { return uuid_v4(); }

}  // namespace kinbox

#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "kinbox/outbox.hpp"

namespace kinbox {

/// An outgoing event with everything that was left open decided: what is stored, and sent.
struct DecidedEvent {
  std::string id;
  std::string source;
  std::string time;
  /// The event being handled, and its trace; empty outside a handler.
  std::string causation_id;
  std::string traceparent;
  std::string tracestate;
};

/// `ordinal`: how many events this handling emitted before. Throws PermanentError on an event that
/// could not be sent or not be recognised by its consumers.
DecidedEvent decide(const OutgoingEvent& event, const OutboxOptions& options,
                    const Handling& handling, int ordinal);

/// All headers of the record, CloudEvents' first. Views into both.
std::vector<Header> wire_headers(const OutgoingEvent& event, const DecidedEvent& decided);

/// Throws PermanentError when key, payload and headers are larger than `max_bytes`.
void refuse_too_large(const OutgoingEvent& event, const std::vector<Header>& headers,
                      std::size_t max_bytes);

/// The id of what a handler emits: UUIDv5 of consumer, event id, generation and ordinal.
std::string derived_event_id(const Handling& handling, int ordinal);

/// The id of the reply that says `verdict` of the event: no event that a handler emits has it.
std::string derived_reply_id(const Handling& handling, std::string_view verdict);

/// Whether `text` consists of the characters that RFC 3986 allows in a URI reference.
bool is_uri_reference(std::string_view text);

/// The error of an outgoing event: PermanentError, code "outgoing_event".
[[noreturn]] void refuse_outgoing(const OutgoingEvent& event, const std::string& what);

}  // namespace kinbox

#include "core/outgoing_event.hpp"

#include <algorithm>
#include <array>
#include <chrono>

#include "core/iso_time.hpp"
#include "core/storable_text.hpp"
#include "core/topic_name.hpp"
#include "core/uuid.hpp"
#include "kinbox/event.hpp"

namespace kinbox {
namespace {

// What a consumer may store as an event's id: "source id".
constexpr std::size_t kMaxIdentity = 512;
constexpr std::size_t kMaxType = 512;
constexpr std::size_t kMaxTrace = 512;

// Permanent: ids of the past were made with it.
constexpr UuidBytes kNamespace{0x8a, 0xe8, 0x15, 0x97, 0xe1, 0x30, 0xfe, 0x95,
                               0x72, 0xd5, 0xfc, 0x7a, 0xf1, 0x52, 0xc5, 0x38};

constexpr std::array<std::string_view, 7> kOurs{
    "ce_specversion", "ce_id", "ce_source", "ce_type", "ce_time", "ce_causationid", "content-type"};

std::string quoted(std::string_view text) { return '"' + storable_text(text, 256) + '"'; }

/// What a person can read in a header, and both databases can store.
bool is_plain_text(std::string_view text) {
  return is_storable_text(text) && std::none_of(text.begin(), text.end(), [](char c) {
           return static_cast<unsigned char>(c) < 0x20 || c == 0x7F;
         });
}

void refuse_bad_headers(const OutgoingEvent& event) {
  for (const auto& header : event.headers) {
    if (header.name.empty() || !is_plain_text(header.name))
      refuse_outgoing(event, "a header's name " + quoted(header.name) +
                                 " is empty, not UTF-8 or holds control characters");
    if (std::find(kOurs.begin(), kOurs.end(), header.name) != kOurs.end())
      refuse_outgoing(event, "header " + header.name +
                                 " is written by kinbox; set the event's member of that meaning");
  }
}

void refuse_bad_identity(const OutgoingEvent& event, const DecidedEvent& decided) {
  if (!is_plain_text(decided.id))
    refuse_outgoing(
        event, "its id " + quoted(decided.id) + " is not UTF-8 or holds NUL or control characters");
  if (decided.source.empty())
    refuse_outgoing(event,
                    "it has no source; name one in the event or in OutboxOptions::source, a URI "
                    "reference like \"/shop/orders\"");
  if (!is_uri_reference(decided.source))
    refuse_outgoing(event, "its source " + quoted(decided.source) +
                               " is no URI reference: percent-encode what RFC 3986 does not allow");
  if (decided.source.size() + 1 + decided.id.size() > kMaxIdentity)
    refuse_outgoing(event, "source and id are longer than " + std::to_string(kMaxIdentity) +
                               " bytes together; consumers store them as the event's identity");
}

void refuse_bad_shape(const OutgoingEvent& event) {
  if (event.topic.empty()) refuse_outgoing(event, "it names no topic");
  if (!is_topic_name(event.topic))
    refuse_outgoing(event, quoted(event.topic) +
                               " is no topic name: letters, digits, '.', '_' and '-', at most 249");
  if (event.type.empty()) refuse_outgoing(event, "it has no type");
  if (event.type.size() > kMaxType || !is_plain_text(event.type))
    refuse_outgoing(event, "its type " + quoted(event.type) + " is longer than " +
                               std::to_string(kMaxType) +
                               " bytes, not UTF-8 or holds control characters");
  if (event.payload && !is_plain_text(event.content_type))
    refuse_outgoing(event, "its content type " + quoted(event.content_type) +
                               " is not UTF-8 or holds control characters");
}

std::string decided_id(const OutgoingEvent& event, const Handling& handling, int ordinal) {
  if (!event.id.empty()) return event.id;
  if (handling.event == nullptr)
    refuse_outgoing(event,
                    "it has no id, and none follows from an event outside a handler; give it one "
                    "of the business, or kinbox::random_event_id()");
  return derived_event_id(handling, ordinal);
}

std::string decided_source(const OutgoingEvent& event, const OutboxOptions& options,
                           const Handling& handling) {
  if (!event.source.empty()) return event.source;
  if (!options.source.empty() || handling.event == nullptr) return options.source;
  return '/' + std::string(handling.consumer);
}

bool has_header(const OutgoingEvent& event, std::string_view name) {
  return std::any_of(event.headers.begin(), event.headers.end(),
                     [&](const auto& header) { return header.name == name; });
}

/// A trace is worth nothing if it is not what its name says: then it ends here.
std::string carried(const Event& event, std::string_view name) {
  const auto value = event.header(name);
  if (!value || value->size() > kMaxTrace || !is_plain_text(as_text(*value))) return {};
  return std::string(as_text(*value));
}

void carry_trace(const OutgoingEvent& event, const Event& cause, DecidedEvent& decided) {
  if (has_header(event, "traceparent")) return;
  decided.traceparent = carried(cause, "traceparent");
  if (!decided.traceparent.empty()) {
    if (!has_header(event, "tracestate")) decided.tracestate = carried(cause, "tracestate");
    return;
  }
  // The names of CloudEvents' extension for distributed tracing.
  decided.traceparent = carried(cause, "ce_traceparent");
  if (!decided.traceparent.empty() && !has_header(event, "tracestate"))
    decided.tracestate = carried(cause, "ce_tracestate");
}

/// Neither names nor ids hold a NUL, so no two quadruples give one text.
std::string derived_id(const Handling& handling, std::string_view which) {
  std::string name(handling.consumer);
  name.append(1, '\0').append(handling.event->id());
  name.append(1, '\0').append(std::to_string(handling.generation));
  name.append(1, '\0').append(which);
  return uuid_v5(kNamespace, name);
}

Timestamp now() {
  return std::chrono::floor<std::chrono::milliseconds>(std::chrono::system_clock::now());
}

}  // namespace

void refuse_outgoing(const OutgoingEvent& event, const std::string& what) {
  throw PermanentError("outgoing event of type " + quoted(event.type) + " for topic " +
                           quoted(event.topic) + ": " + what,
                       "outgoing_event");
}

bool is_uri_reference(std::string_view text) {
  constexpr std::string_view kAllowed =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~:/?#[]@!$&'()*+,;=%";
  return !text.empty() && text.find_first_not_of(kAllowed) == std::string_view::npos;
}

std::string derived_event_id(const Handling& handling, int ordinal) {
  return derived_id(handling, std::to_string(ordinal));
}

std::string derived_reply_id(const Handling& handling, std::string_view verdict) {
  return derived_id(handling, verdict);
}

DecidedEvent decide(const OutgoingEvent& event, const OutboxOptions& options,
                    const Handling& handling, int ordinal) {
  refuse_bad_shape(event);
  refuse_bad_headers(event);
  DecidedEvent decided;
  decided.id = decided_id(event, handling, ordinal);
  decided.source = decided_source(event, options, handling);
  decided.time = iso_text(event.time.value_or(now()));
  refuse_bad_identity(event, decided);
  if (handling.event == nullptr) return decided;
  decided.causation_id = handling.event->id();
  carry_trace(event, *handling.event, decided);
  return decided;
}

std::vector<Header> wire_headers(const OutgoingEvent& event, const DecidedEvent& decided) {
  std::vector<Header> headers;
  const auto add = [&](std::string_view name, std::string_view value) {
    if (!value.empty()) headers.push_back({name, as_bytes(value)});
  };
  add("ce_specversion", "1.0");
  add("ce_id", decided.id);
  add("ce_source", decided.source);
  add("ce_type", event.type);
  add("ce_time", decided.time);
  if (event.payload) add("content-type", event.content_type);
  add("ce_causationid", decided.causation_id);
  add("traceparent", decided.traceparent);
  add("tracestate", decided.tracestate);
  for (const auto& [name, value] : event.headers)
    headers.push_back({name, value ? std::optional(as_bytes(*value)) : std::nullopt});
  return headers;
}

void refuse_too_large(const OutgoingEvent& event, const std::vector<Header>& headers,
                      std::size_t max_bytes) {
  std::size_t bytes =
      (event.key ? event.key->size() : 0) + (event.payload ? event.payload->size() : 0);
  for (const auto& header : headers)
    bytes += header.name.size() + (header.value ? header.value->size() : 0);
  if (bytes > max_bytes)
    refuse_outgoing(event, "it has " + std::to_string(bytes) + " bytes, more than the outbox's " +
                               std::to_string(max_bytes) +
                               "; send a reference to the data, or raise the limit here and the "
                               "topic's max.message.bytes");
}

}  // namespace kinbox

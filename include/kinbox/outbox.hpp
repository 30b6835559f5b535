#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "kinbox/dialect.hpp"
#include "kinbox/record.hpp"
#include "kinbox/transaction.hpp"

namespace kinbox {

/// An event that leaves the database, as a CloudEvent in binary mode: what stands here becomes the
/// record's key, value and headers (`ce_id`, `ce_source`, `ce_type`, `ce_time`, `content-type`...).
struct OutgoingEvent {
  std::string topic;
  /// Events of one topic and key keep the order in which they were emitted. Without a key there is
  /// no order.
  std::optional<std::string> key = std::nullopt;
  /// Names the event for ever: whoever consumes it recognises a repetition by source and id.
  /// Inside a handler, empty stands for one that follows from the event being handled, so that a
  /// handler which runs again emits the same id. Elsewhere it must be given; see random_event_id.
  std::string id = {};
  std::string type;
  /// A URI reference; empty stands for OutboxOptions::source.
  std::string source = {};
  /// CloudEvents attributes of your own (`ce_subject`) and anything else. Names that the other
  /// members stand for are refused.
  std::vector<OwnedRecord::OwnedHeader> headers = {};
  /// Absent: a tombstone.
  std::optional<std::string> payload = std::nullopt;
  std::string content_type = "application/json";
  /// When it happened; now unless given.
  std::optional<Timestamp> time = std::nullopt;
};

struct OutboxOptions {
  enum class Relay {
    /// Rows of `outbox`, which an OutboxRelay carries to Kafka.
    kKinbox,
    /// Rows of `outbox_events`, inserted and deleted at once: the write-ahead log keeps them for
    /// Debezium's outbox event router. PostgreSQL only.
    kCdc,
  };

  Relay relay = Relay::kKinbox;
  /// The `ce_source` of events that name none. Empty stands for "/" and the consumer's name inside
  /// a handler; elsewhere every event must name its own.
  std::string source = {};
  /// Key, payload and headers together. Larger events are refused here, where somebody can still
  /// do something about it; the topic's `max.message.bytes` is asked only when the event is sent.
  std::size_t max_bytes = 1'000'000;
};

/// Where events are handed over that are to leave the database: they go with the transaction, or
/// not at all, and reach their topic at least once afterwards, in order per key, with a stable id.
///
/// Inside a handler each event also carries on `traceparent` and `tracestate` of the event being
/// handled, unless its own headers say otherwise, and names it in `ce_causationid`.
///
/// Holds no connection; copies are cheap. Thread-compatible.
class Outbox {
 public:
  /// In a handler's factory: `Outbox(context.dialect, context.outbox)`. Throws ConfigurationError
  /// where a source is no URI reference, or change data capture is asked of SQLite.
  Outbox(const Dialect& dialect, OutboxOptions options);

  /// Writes the event through `tx`, a handler's or one that a program began itself, and returns its
  /// id. Throws PermanentError, code "outgoing_event", naming what is wrong with it.
  std::string emit(Transaction& tx, const OutgoingEvent& event) const;

 private:
  OutboxOptions options_;
  std::string insert_;
  std::string forget_;
};

/// A random UUID, for an event whose transaction is not tried again when nobody knows how it ended:
/// a second try would emit another event. Where there is an id in the business (an order's), use
/// that.
std::string random_event_id();

}  // namespace kinbox

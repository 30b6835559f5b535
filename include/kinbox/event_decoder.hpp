#pragma once

#include <cstddef>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "kinbox/event.hpp"
#include "kinbox/record.hpp"

namespace kinbox {

/// Where an event id may come from. Tried in the configured order; the first that is present wins,
/// and an id that is present but invalid is poison, never a reason to look further.
struct IdFrom {
  enum class Kind {
    /// Headers `ce_source` and `ce_id` (CloudEvents Kafka binding, binary mode): "source id".
    kCloudEventsBinary,
    /// `content-type: application/cloudevents+json`: `source` and `id` of the envelope.
    kCloudEventsStructured,
    /// The header named in `what` (Debezium's outbox router: `id`).
    kHeader,
    /// The RFC 6901 JSON pointer in `what`, into the unwrapped payload. Numbers keep their token.
    kJsonPointer,
    /// Several JSON pointers; the id is their values, each with '~' as `~0` and '/' as `~1`, joined
    /// by '/'. Absent when all are; invalid when only some are.
    kComposed,
    /// topic/partition/offset: protects from redelivery, not from a producer's duplicates.
    kCoordinates,
  };

  Kind kind = Kind::kJsonPointer;
  /// Header name or JSON pointer.
  std::string what;
  /// The pointers of kComposed.
  std::vector<std::string> pointers;

  bool operator==(const IdFrom&) const = default;
};

/// How far an id is unique, and what is put before it so that the stored id is unique everywhere.
/// Within one scope no two pairs of prefix and id give the same text: a URI holds no space (a
/// source with one is refused), a topic's name no ':'. Coordinates are taken as they are in every
/// scope.
enum class IdScope {
  /// Everywhere. Refused for all-digit ids: an outbox's BIGINT collides across topics.
  kUnspecified,
  /// Everywhere; nothing is put before.
  kGlobal,
  /// Within the producer: "source id", the source being the header `ce_source` or the CloudEvents
  /// envelope's; " topic:id" without one. An id from CloudEvents has its source already.
  kSource,
  /// "topic:id".
  kTopic,
};

/// Where an event's type may come from; the first that is present wins. The header `ce_type` stands
/// also for a structured CloudEvent's attribute `type`.
struct TypeFrom {
  enum class Kind { kHeader, kJsonPointer, kTopic };

  Kind kind = Kind::kTopic;
  std::string what;

  bool operator==(const TypeFrom&) const = default;
};

/// How one topic's records become events.
struct IdentityRules {
  std::vector<IdFrom> id = default_id();
  IdScope scope = IdScope::kUnspecified;
  std::vector<TypeFrom> type = default_type();
  /// Larger values are poison (`too_large`).
  std::size_t max_value_bytes = std::size_t{16} << 20;
  /// Deeper JSON is poison (`undecodable`). 1 to 1000.
  int max_json_depth = 64;

  /// CloudEvents binary, CloudEvents structured, the headers `id` (Debezium), `ID` (Eventuate),
  /// `MessageId` (MassTransit) and `axon-message-id`, JSON pointer `/eventId`.
  static std::vector<IdFrom> default_id();
  /// `ce_type`, `eventType`, `event-type`, JSON `/eventType`, the topic.
  static std::vector<TypeFrom> default_type();
};

/// A record that is no event, and why. `reason` is one of kinbox::reason.
struct Poison {
  std::string_view reason;
  /// For people: names the record's part that is wrong and the way out. Never holds payload bytes.
  std::string detail;
};

/// A record whose partition must stop until the configuration says more (all-digit ids without
/// `id_scope`). `detail` holds the line to add.
struct Undecided {
  std::string detail;
};

using Decoded = std::variant<Event, Poison, Undecided>;

/// Turns records into events.
///
/// Never throws on account of a record's content, whatever its bytes. JSON is read only when the id
/// or the type is inside, or a wrapping shows (event.hpp says which are taken off): a value of any
/// format will do when headers say the rest. Holds no state: one decoder may serve many threads.
class EventDecoder {
 public:
  /// `by_topic` overrides `fallback` for the topics it names. Throws ConfigurationError on rules
  /// that cannot work: no place for the id or the type, a JSON pointer that is none.
  explicit EventDecoder(IdentityRules fallback = {},
                        std::map<std::string, IdentityRules, std::less<>> by_topic = {});

  /// The event points into `record`, which must outlive it at the same address.
  Decoded decode(const Record& record) const;
  /// The same with an id that is known: none is looked for, and nothing is put before it.
  Decoded decode_as(std::string id, const Record& record) const;

 private:
  const IdentityRules& rules_for(std::string_view topic) const;

  IdentityRules fallback_;
  std::map<std::string, IdentityRules, std::less<>> by_topic_;
};

}  // namespace kinbox

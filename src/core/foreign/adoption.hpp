#pragma once

#include <functional>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "core/foreign/foreign_letter.hpp"
#include "core/letter_import.hpp"
#include "kinbox/event_decoder.hpp"

namespace kinbox::foreign {

/// What of a DLQ topic becomes letters of one consumer, and what they are then.
struct AdoptionRules {
  /// Those that the consumer reads: nobody would try letters of others again.
  std::vector<std::string> topics;
  EventDecoder decoder;
  /// Where records come from that do not say it. Not needed where `topics` is one.
  std::optional<std::string> origin;
  /// Only what failed in this group (or connector, or consumer: whatever the format names).
  std::optional<std::string> group;
  /// What is known of a topic by its name.
  struct Topic {
    /// See Source::topic_id.
    std::string id;
    /// 0: there is none.
    int partitions = 0;
  };
  std::function<Topic(const std::string& topic)> look_up;
};

/// A record that stays where it is.
struct LeftOut {
  enum class Why {
    /// It came from a topic that the consumer does not read.
    kOtherTopic,
    kOtherGroup,
    /// It does not say enough. A person has to.
    kUnclear,
  };
  Why why = Why::kUnclear;
  std::string detail;
};

/// Makes letters of one consumer.
///
/// A letter stands at the place where its record was consumed. One whose place is not told stands
/// where its owner looks: in a partition of its topic, under the DLQ's offset. Its topic id is then
/// the DLQ's partition ("dlq:orders-dlt/2"), so that it is nobody else's place, and the same each
/// time.
class Adoption {
 public:
  explicit Adoption(AdoptionRules rules) : rules_(std::move(rules)) {}

  std::variant<ImportedLetter, LeftOut> adopt(ForeignLetter letter) const;

  /// Where the record came from, if it is one that `adopt` takes, and this topic can be told.
  std::optional<std::string> topic_of(const ForeignLetter& letter) const;

 private:
  std::optional<LeftOut> look_at(const ForeignLetter& letter) const;
  void settle(ForeignLetter& letter, ImportedLetter& adopted) const;
  std::optional<LeftOut> identify(const ForeignLetter& letter, ImportedLetter& adopted) const;

  AdoptionRules rules_;
};

}  // namespace kinbox::foreign

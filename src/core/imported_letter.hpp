#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "kinbox/dead_letter.hpp"
#include "kinbox/record.hpp"

namespace kinbox {

/// A dead letter that comes from elsewhere: an exported one, or a record of another framework's
/// DLQ topic.
struct ImportedLetter {
  /// The record as it was consumed when it failed, and its coordinates then.
  OwnedRecord record;
  /// "dlq:" and a DLQ topic's partition where nobody knows the record's own: see foreign::Adoption.
  std::string topic_id = {};
  /// As the consumer's inbox has it; absent for poison.
  std::optional<std::string> event_id = {};
  std::string event_type = {};
  /// `reason` must not be empty.
  Failure failure = {};
  /// Absent: now.
  std::optional<Timestamp> dead_at = {};
  std::int64_t redrive_count = 0;
  /// A value that a person put beside the record's; NULL cannot be edited in.
  std::optional<std::string> edited_value = {};

  enum class State { kOpen, kResolved, kDiscarded };
  State state = State::kOpen;
};

/// As `dead_letters.state` has it.
constexpr std::string_view to_text(ImportedLetter::State state) {
  switch (state) {
    case ImportedLetter::State::kOpen:
      return "open";
    case ImportedLetter::State::kResolved:
      return "resolved";
    case ImportedLetter::State::kDiscarded:
      break;
  }
  return "discarded";
}

}  // namespace kinbox

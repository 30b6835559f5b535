#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "cli/invocation.hpp"
#include "kinbox/record.hpp"
#include "kinbox/rows.hpp"

namespace kinbox::cli {

/// Everything about one failing event.
struct EventPage {
  /// What is known of it, by name; absent: not known.
  std::vector<std::pair<std::string, std::optional<std::string>>> facts;
  /// Its timestamp, headers and value are shown; what else is to be is among the facts.
  OwnedRecord record;
  /// The value as it came, if a person put another one beside it.
  std::optional<std::string> original_value = {};
  /// With the columns at, what, detail, audit, who, reason.
  Rows history = {};
};

/// The columns of a query's only row, as facts.
std::vector<std::pair<std::string, std::optional<std::string>>> facts_of(
    const Rows& row, const std::vector<std::string>& columns);

/// For people a page: facts, headers, payload laid out, history. For programs names and values,
/// payloads as they are ("base64:..." where they are no text).
void answer_event(const Invocation& invocation, const EventPage& page);

}  // namespace kinbox::cli

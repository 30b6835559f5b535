#pragma once

#include <string>
#include <variant>

#include "core/event_body.hpp"
#include "kinbox/event_decoder.hpp"
#include "kinbox/record.hpp"

namespace kinbox {

using EventTypeRead = std::variant<std::string, Poison>;

/// Finds the record's event type by `rules.type`. A header `ce_type` is, in a structured
/// CloudEvent, its attribute `type`. `body` is open.
EventTypeRead read_event_type(const Record& record, EventBody& body, const IdentityRules& rules);

}  // namespace kinbox

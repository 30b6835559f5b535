#pragma once

#include <string>
#include <variant>

#include "core/event_body.hpp"
#include "kinbox/event_decoder.hpp"
#include "kinbox/record.hpp"

namespace kinbox {

/// The scoped id, fit to be stored; or why the record has none.
using EventIdRead = std::variant<std::string, Poison, Undecided>;

/// Finds the record's id by `rules.id` and gives it its scope. `body` is open.
EventIdRead read_event_id(const Record& record, EventBody& body, const IdentityRules& rules);

}  // namespace kinbox

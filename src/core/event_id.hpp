#pragma once

#include <string>
#include <string_view>
#include <variant>

#include "core/event_body.hpp"
#include "kinbox/event_decoder.hpp"
#include "kinbox/record.hpp"

namespace kinbox {

/// The scoped id, fit to be stored; or why the record has none.
using EventIdRead = std::variant<std::string, Poison, Undecided>;

/// Whether `text` can be an event's id: 1 to 512 bytes of UTF-8 without NUL.
bool is_event_id(std::string_view text);

/// Finds the record's id by `rules.id` and gives it its scope. `body` is open.
EventIdRead read_event_id(const Record& record, EventBody& body, const IdentityRules& rules);

}  // namespace kinbox

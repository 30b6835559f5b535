#pragma once

#include <string_view>

#include "kinbox/dialect.hpp"

namespace kinbox {

/// Statements of `letter_states`, the rows of letters that are not resolved; the parameter is the
/// letter's id.

/// The letter, as its row in `letters` is now, is open, parked or discarded: whatever it was due
/// for is off.
BulkStatement set_letter_state(const Dialect& dialect, std::string_view state);

/// Its event was applied.
BulkStatement resolve_letter(const Dialect& dialect);

}  // namespace kinbox

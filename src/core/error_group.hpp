#pragma once

#include <string>
#include <string_view>

#include "kinbox/dead_letter.hpp"

namespace kinbox {

/// What failures with one cause have in common: 16 hex digits of handler, error type, error code
/// and the text without what varies from event to event. The same wherever it is computed, also
/// from a failure that went through the database.
std::string error_group(const Failure& failure);

/// `text` with `*` for quotations, words that hold a digit (numbers, UUIDs, hashes, times, ids),
/// long base64 and the values of PostgreSQL's `(column)=(value)`. Lists of such become one `*`,
/// white space one blank. Only the first KiB counts.
std::string normalised_error_text(std::string_view text);

}  // namespace kinbox

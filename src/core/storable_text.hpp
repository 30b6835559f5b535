#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace kinbox {

/// Whether both databases can hold `text` in a text column: UTF-8 without NUL.
bool is_storable_text(std::string_view text);

/// `text` made so: what is not UTF-8, and NUL, becomes U+FFFD; cut at a character's end to at most
/// `max_bytes`.
std::string storable_text(std::string_view text, std::size_t max_bytes);

}  // namespace kinbox

#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace kinbox::observe {

/// `text` made safe for a terminal and for one line: control characters as escapes (`\n`, `\x1b`),
/// bytes that are not UTF-8 as U+FFFD. What comes from a topic may hold anything.
std::string printable(std::string_view text);

/// Columns that UTF-8 text takes on a terminal, one per code point.
std::size_t display_width(std::string_view text);

}  // namespace kinbox::observe

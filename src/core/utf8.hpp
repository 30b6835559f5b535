#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace kinbox {

/// Bytes of the well-formed UTF-8 sequence that starts at `at` (1 to 4; RFC 3629: shortest form, no
/// surrogates, nothing above U+10FFFF); 0 if there is none before `end`. `at` < `end`.
std::size_t utf8_sequence(const char* at, const char* end) noexcept;

bool is_utf8(std::string_view text) noexcept;

/// `code_point` is a Unicode scalar value.
void append_utf8(std::string& text, std::uint32_t code_point);

}  // namespace kinbox

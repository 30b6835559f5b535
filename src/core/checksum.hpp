#pragma once

#include <string>
#include <string_view>

namespace kinbox {

/// XXH3-128 of `text` in its canonical form, 32 hexadecimal digits.
std::string checksum(std::string_view text);

}  // namespace kinbox

#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "kinbox/record.hpp"

namespace kinbox {

/// Headers as the `headers` columns hold them: JSON `[["name", "base64 of the value" or null],
/// ...]` in order, repeats included; a name that is not UTF-8 (or holds NUL) stands as
/// `[null, value, "base64 of the name"]`.
std::string encode_headers(const std::vector<Header>& headers);
/// Throws Error on what encode_headers did not write.
std::vector<OwnedRecord::OwnedHeader> decode_headers(std::string_view text);

}  // namespace kinbox

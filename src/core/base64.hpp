#pragma once

#include <string>
#include <string_view>

namespace kinbox {

/// RFC 4648 section 4, with padding.
std::string base64_encode(std::string_view bytes);
/// Throws Error on what is not base64.
std::string base64_decode(std::string_view text);

}  // namespace kinbox

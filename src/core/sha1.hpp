#pragma once

#include <array>
#include <cstdint>
#include <string_view>

namespace kinbox {

/// FIPS 180-4. For names (UUID version 5), not against forgers.
std::array<std::uint8_t, 20> sha1(std::string_view bytes);

}  // namespace kinbox

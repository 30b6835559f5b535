#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

namespace kinbox {

using UuidBytes = std::array<std::uint8_t, 16>;

/// The UUID, version 5 (RFC 9562, section 5.5), of `name` in `space`: SHA-1 of both.
std::string uuid_v5(const UuidBytes& space, std::string_view name);

/// A random UUID, version 4.
std::string uuid_v4();

}  // namespace kinbox

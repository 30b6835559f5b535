#pragma once

#include <cstddef>
#include <cstring>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace kinbox {

/// Bytes that somebody else keeps alive. An empty span is an empty value, not a null one:
/// where null is possible the type is `std::optional<Bytes>`.
using Bytes = std::span<const std::byte>;

/// Bytes that own themselves.
using ByteVector = std::vector<std::byte>;

/// The same memory, seen as bytes. Valid as long as `text` is.
inline Bytes as_bytes(std::string_view text) noexcept {
  return {reinterpret_cast<const std::byte*>(text.data()), text.size()};
}

/// The same memory, seen as text. Nothing is checked: the bytes may be any.
inline std::string_view as_text(Bytes bytes) noexcept {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

}  // namespace kinbox

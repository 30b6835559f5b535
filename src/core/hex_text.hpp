#pragma once

#include <string>
#include <string_view>

#include "kinbox/bytes.hpp"

namespace kinbox {

/// Two lower-case digits per byte.
inline std::string hex_text(Bytes bytes) {
  constexpr const char* kDigits = "0123456789abcdef";
  std::string text;
  for (const auto byte : bytes) {
    text += kDigits[std::to_integer<unsigned>(byte) >> 4];
    text += kDigits[std::to_integer<unsigned>(byte) & 0xF];
  }
  return text;
}

/// The bytes of `text`, which has two digits for each, of either case.
inline ByteVector bytes_of_hex(std::string_view text) {
  const auto value = [](char digit) {
    return static_cast<unsigned>(digit <= '9' ? digit - '0' : (digit | 0x20) - 'a' + 10);
  };
  ByteVector bytes;
  bytes.reserve(text.size() / 2);
  for (std::size_t i = 0; i + 1 < text.size(); i += 2)
    bytes.push_back(static_cast<std::byte>(value(text[i]) << 4 | value(text[i + 1])));
  return bytes;
}

}  // namespace kinbox

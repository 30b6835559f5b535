#pragma once

#include <string>

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

}  // namespace kinbox

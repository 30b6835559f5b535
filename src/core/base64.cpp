#include "core/base64.hpp"

#include <cstdint>

#include "kinbox/errors.hpp"

namespace kinbox {
namespace {

constexpr std::string_view kAlphabet =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

std::uint32_t byte_at(std::string_view bytes, std::size_t at) {
  return at < bytes.size() ? static_cast<unsigned char>(bytes[at]) : 0U;
}

std::uint32_t value_of(char letter) {
  const auto value = kAlphabet.find(letter);
  if (value == std::string_view::npos) throw Error("not base64: an unexpected character");
  return static_cast<std::uint32_t>(value);
}

}  // namespace

std::string base64_encode(std::string_view bytes) {
  std::string text;
  text.reserve((bytes.size() + 2) / 3 * 4);
  for (std::size_t at = 0; at < bytes.size(); at += 3) {
    const auto group =
        byte_at(bytes, at) << 16 | byte_at(bytes, at + 1) << 8 | byte_at(bytes, at + 2);
    const auto letters = bytes.size() - at >= 3 ? 4U : static_cast<unsigned>(bytes.size() - at) + 1;
    for (unsigned i = 0; i < 4; ++i)
      text += i < letters ? kAlphabet[group >> (18 - 6 * i) & 0x3F] : '=';
  }
  return text;
}

std::string base64_decode(std::string_view text) {
  if (text.size() % 4 != 0) throw Error("not base64: the length is no multiple of four");
  std::string bytes;
  bytes.reserve(text.size() / 4 * 3);
  for (std::size_t at = 0; at < text.size(); at += 4) {
    auto letters = 4U;
    if (at + 4 == text.size() && text[at + 3] == '=') letters = text[at + 2] == '=' ? 2U : 3U;
    std::uint32_t group = 0;
    for (unsigned i = 0; i < letters; ++i) group |= value_of(text[at + i]) << (18 - 6 * i);
    for (unsigned i = 0; i + 1 < letters; ++i)
      bytes += static_cast<char>(group >> (16 - 8 * i) & 0xFF);
  }
  return bytes;
}

}  // namespace kinbox

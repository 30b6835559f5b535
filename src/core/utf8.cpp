#include "core/utf8.hpp"

#include <cstring>

namespace kinbox {
namespace {

/// The bytes that may follow a lead byte: how many, and the range of the first. That range is what
/// keeps out overlong forms, surrogates and what is above U+10FFFF.
struct Tail {
  std::size_t length;
  unsigned char low = 0x80;
  unsigned char high = 0xBF;
};

Tail tail_of(unsigned char lead) noexcept {
  if (lead >= 0xC2 && lead <= 0xDF) return {1};
  if (lead == 0xE0) return {2, 0xA0, 0xBF};
  if (lead == 0xED) return {2, 0x80, 0x9F};
  if (lead >= 0xE1 && lead <= 0xEF) return {2};
  if (lead == 0xF0) return {3, 0x90, 0xBF};
  if (lead == 0xF4) return {3, 0x80, 0x8F};
  if (lead >= 0xF1 && lead <= 0xF3) return {3};
  return {0};
}

bool eight_ascii_bytes(const char* at) noexcept {
  std::uint64_t word = 0;
  std::memcpy(&word, at, sizeof word);
  return (word & 0x8080808080808080U) == 0;
}

char to_char(std::uint32_t byte) noexcept { return static_cast<char>(byte); }

}  // namespace

std::size_t utf8_sequence(const char* at, const char* end) noexcept {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(at[i]); };
  if (byte(0) < 0x80) return 1;
  const auto tail = tail_of(byte(0));
  if (tail.length == 0 || static_cast<std::size_t>(end - at) <= tail.length) return 0;
  if (byte(1) < tail.low || byte(1) > tail.high) return 0;
  for (std::size_t i = 2; i <= tail.length; ++i)
    if (byte(i) < 0x80 || byte(i) > 0xBF) return 0;
  return tail.length + 1;
}

bool is_utf8(std::string_view text) noexcept {
  const char* at = text.data();
  const char* const end = at + text.size();
  while (at != end) {
    if (end - at >= 8 && eight_ascii_bytes(at)) {
      at += 8;
    } else if (static_cast<unsigned char>(*at) < 0x80) {
      ++at;
    } else {
      const auto length = utf8_sequence(at, end);
      if (length == 0) return false;
      at += length;
    }
  }
  return true;
}

void append_utf8(std::string& text, std::uint32_t code_point) {
  const auto tail = [&](int shift) { return to_char(0x80U | (code_point >> shift & 0x3FU)); };
  if (code_point < 0x80) {
    text += to_char(code_point);
  } else if (code_point < 0x800) {
    text += {to_char(0xC0U | code_point >> 6), tail(0)};
  } else if (code_point < 0x10000) {
    text += {to_char(0xE0U | code_point >> 12), tail(6), tail(0)};
  } else {
    text += {to_char(0xF0U | code_point >> 18), tail(12), tail(6), tail(0)};
  }
}

}  // namespace kinbox

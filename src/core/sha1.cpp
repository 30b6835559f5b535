#include "core/sha1.hpp"

#include <bit>
#include <cstddef>
#include <string>

namespace kinbox {
namespace {

constexpr std::size_t kBlock = 64;

using State = std::array<std::uint32_t, 5>;

std::uint32_t big_endian(const char* at) {
  std::uint32_t word = 0;
  for (int i = 0; i < 4; ++i) word = word << 8U | static_cast<unsigned char>(at[i]);
  return word;
}

/// The message, a one, zeros, and its length in bits as the last eight bytes of a block.
std::string padded(std::string_view bytes) {
  std::string text(bytes);
  text += '\x80';
  while (text.size() % kBlock != kBlock - 8) text += '\0';
  const std::uint64_t bits = std::uint64_t{bytes.size()} * 8;
  for (int shift = 56; shift >= 0; shift -= 8) text += static_cast<char>(bits >> shift & 0xFFU);
  return text;
}

struct Round {
  std::uint32_t mixed;
  std::uint32_t constant;
};

Round round(std::size_t t, std::uint32_t b, std::uint32_t c, std::uint32_t d) {
  if (t < 20) return {(b & c) | (~b & d), 0x5A827999U};
  if (t < 40) return {b ^ c ^ d, 0x6ED9EBA1U};
  if (t < 60) return {(b & c) | (b & d) | (c & d), 0x8F1BBCDCU};
  return {b ^ c ^ d, 0xCA62C1D6U};
}

void digest_block(State& state, const char* block) {
  std::array<std::uint32_t, 80> words{};
  for (std::size_t t = 0; t < 16; ++t) words[t] = big_endian(block + 4 * t);
  for (std::size_t t = 16; t < 80; ++t)
    words[t] = std::rotl(words[t - 3] ^ words[t - 8] ^ words[t - 14] ^ words[t - 16], 1);
  auto [a, b, c, d, e] = state;
  for (std::size_t t = 0; t < 80; ++t) {
    const auto [mixed, constant] = round(t, b, c, d);
    const auto next = std::rotl(a, 5) + mixed + e + constant + words[t];
    e = d;
    d = c;
    c = std::rotl(b, 30);
    b = a;
    a = next;
  }
  state = {state[0] + a, state[1] + b, state[2] + c, state[3] + d, state[4] + e};
}

}  // namespace

std::array<std::uint8_t, 20> sha1(std::string_view bytes) {
  State state{0x67452301U, 0xEFCDAB89U, 0x98BADCFEU, 0x10325476U, 0xC3D2E1F0U};
  const auto text = padded(bytes);
  for (std::size_t at = 0; at < text.size(); at += kBlock) digest_block(state, text.data() + at);
  std::array<std::uint8_t, 20> digest{};
  for (std::size_t i = 0; i < digest.size(); ++i)
    digest[i] = static_cast<std::uint8_t>(state[i / 4] >> (24 - 8 * (i % 4)) & 0xFFU);
  return digest;
}

}  // namespace kinbox

#include "core/uuid.hpp"

#include <algorithm>
#include <random>

#include "core/sha1.hpp"

namespace kinbox {
namespace {

std::string text_of(UuidBytes bytes, unsigned version) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  bytes[6] = static_cast<std::uint8_t>((bytes[6] & 0x0FU) | (version << 4U));
  bytes[8] = static_cast<std::uint8_t>((bytes[8] & 0x3FU) | 0x80U);
  std::string text;
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    if (i == 4 || i == 6 || i == 8 || i == 10) text += '-';
    text += kDigits[bytes[i] >> 4U];
    text += kDigits[bytes[i] & 0xFU];
  }
  return text;
}

}  // namespace

std::string uuid_v5(const UuidBytes& space, std::string_view name) {
  std::string text(space.begin(), space.end());
  const auto digest = sha1(text.append(name));
  UuidBytes bytes{};
  std::copy_n(digest.begin(), bytes.size(), bytes.begin());
  return text_of(bytes, 5);
}

std::string uuid_v4() {
  std::random_device random;
  std::uniform_int_distribution<unsigned> byte(0, 255);
  UuidBytes bytes{};
  for (auto& b : bytes) b = static_cast<std::uint8_t>(byte(random));
  return text_of(bytes, 4);
}

}  // namespace kinbox

#include "core/storable_text.hpp"

#include <cstdint>

namespace kinbox {
namespace {

constexpr std::string_view kReplacement = "\xEF\xBF\xBD";

bool is_continuation(std::string_view text, std::size_t at) {
  return at < text.size() && (static_cast<unsigned char>(text[at]) & 0xC0) == 0x80;
}

/// Length of the character at the start of `text` by RFC 3629 (no surrogates, no overlong forms, at
/// most U+10FFFF); 0 if there is none.
std::size_t character_length(std::string_view text) {
  const auto lead = static_cast<unsigned char>(text[0]);
  if (lead < 0x80) return 1;
  const std::size_t length = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : 2;
  if (lead < 0xC2 || lead > 0xF4) return 0;
  for (std::size_t i = 1; i < length; ++i)
    if (!is_continuation(text, i)) return 0;
  const auto second = static_cast<unsigned char>(text[1]);
  const bool overlong = (lead == 0xE0 && second < 0xA0) || (lead == 0xF0 && second < 0x90);
  const bool beyond = (lead == 0xED && second > 0x9F) || (lead == 0xF4 && second > 0x8F);
  return overlong || beyond ? 0 : length;
}

}  // namespace

bool is_storable_text(std::string_view text) {
  while (!text.empty()) {
    const auto length = character_length(text);
    if (length == 0 || text[0] == '\0') return false;
    text.remove_prefix(length);
  }
  return true;
}

std::string storable_text(std::string_view text, std::size_t max_bytes) {
  std::string stored;
  while (!text.empty()) {
    const auto length = character_length(text);
    const auto good = length != 0 && text[0] != '\0';
    const auto next = good ? text.substr(0, length) : kReplacement;
    if (stored.size() + next.size() > max_bytes) break;
    stored += next;
    text.remove_prefix(good ? length : 1);
  }
  return stored;
}

}  // namespace kinbox

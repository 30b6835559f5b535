#include "kinbox/observe/printable.hpp"

#include <cstdint>

namespace kinbox::observe {
namespace {

constexpr std::string_view kReplacement = "\xEF\xBF\xBD";

struct CodePoint {
  std::uint32_t value = 0;
  /// Bytes it takes; 0 when the first byte starts no valid sequence.
  std::size_t size = 0;
};

std::size_t sequence_length(unsigned char lead) {
  if (lead < 0x80) return 1;
  if (lead >= 0xC2 && lead <= 0xDF) return 2;
  if (lead >= 0xE0 && lead <= 0xEF) return 3;
  if (lead >= 0xF0 && lead <= 0xF4) return 4;
  return 0;
}

bool is_scalar_value(std::uint32_t value, std::size_t size) {
  constexpr std::uint32_t kSmallest[] = {0, 0, 0x80, 0x800, 0x10000};
  const bool surrogate = value >= 0xD800 && value <= 0xDFFF;
  return value >= kSmallest[size] && value <= 0x10FFFF && !surrogate;
}

CodePoint first_code_point(std::string_view text) {
  const auto lead = static_cast<unsigned char>(text.front());
  const auto size = sequence_length(lead);
  if (size == 0 || size > text.size()) return {};
  if (size == 1) return {lead, 1};
  std::uint32_t value = lead & (0x7Fu >> size);
  for (std::size_t i = 1; i < size; ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    if ((byte & 0xC0) != 0x80) return {};
    value = (value << 6) | (byte & 0x3F);
  }
  if (!is_scalar_value(value, size)) return {};
  return {value, size};
}

// C1 too: U+009B starts an escape sequence on some terminals.
bool is_control(std::uint32_t value) { return value < 0x20 || (value >= 0x7F && value < 0xA0); }

std::string escape(std::uint32_t value) {
  constexpr std::string_view kHex = "0123456789abcdef";
  if (value == '\n') return "\\n";
  if (value == '\r') return "\\r";
  if (value == '\t') return "\\t";
  return {'\\', 'x', kHex[value >> 4], kHex[value & 15]};
}

}  // namespace

std::string printable(std::string_view text) {
  std::string result;
  result.reserve(text.size());
  while (!text.empty()) {
    const auto point = first_code_point(text);
    if (point.size == 0) {
      result += kReplacement;
      text.remove_prefix(1);
      continue;
    }
    if (is_control(point.value))
      result += escape(point.value);
    else
      result += text.substr(0, point.size);
    text.remove_prefix(point.size);
  }
  return result;
}

std::size_t display_width(std::string_view text) {
  std::size_t width = 0;
  for (const char c : text) width += (static_cast<unsigned char>(c) & 0xC0) != 0x80;
  return width;
}

}  // namespace kinbox::observe

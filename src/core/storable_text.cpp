#include "core/storable_text.hpp"

#include "core/utf8.hpp"

namespace kinbox {
namespace {

constexpr std::string_view kReplacement = "\xEF\xBF\xBD";

}  // namespace

bool is_storable_text(std::string_view text) {
  return text.find('\0') == std::string_view::npos && is_utf8(text);
}

std::string storable_text(std::string_view text, std::size_t max_bytes) {
  std::string stored;
  while (!text.empty()) {
    const auto length = utf8_sequence(text.data(), text.data() + text.size());
    const auto good = length != 0 && text[0] != '\0';
    const auto next = good ? text.substr(0, length) : kReplacement;
    if (stored.size() + next.size() > max_bytes) break;
    stored += next;
    text.remove_prefix(good ? length : 1);
  }
  return stored;
}

}  // namespace kinbox

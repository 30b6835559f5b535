#include "cli/output/payload_text.hpp"

#include <algorithm>
#include <cstdio>

#include "cli/output/pretty_json.hpp"
#include "core/storable_text.hpp"
#include "kinbox/observe/printable.hpp"

namespace kinbox::cli {
namespace {

bool is_control(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return (byte < 0x20 && c != '\n' && c != '\r' && c != '\t') || byte == 0x7F;
}

bool is_text(std::string_view bytes) {
  return is_storable_text(bytes) && std::none_of(bytes.begin(), bytes.end(), is_control);
}

/// Nothing in a line moves the cursor or changes its colour; tabs stay what they are.
std::string printable_line(std::string_view line) {
  std::string text;
  for (auto tab = line.find('\t'); tab != line.npos; tab = line.find('\t')) {
    text += observe::printable(line.substr(0, tab)) + '\t';
    line.remove_prefix(tab + 1);
  }
  return text + observe::printable(line);
}

std::string printable_lines(std::string_view text) {
  std::string lines;
  while (!text.empty()) {
    const auto end = std::min(text.find('\n'), text.size());
    auto line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (line.ends_with('\r')) line.remove_suffix(1);
    lines += printable_line(line) + '\n';
  }
  return lines;
}

std::string hex_line(std::size_t offset, std::string_view bytes) {
  constexpr std::size_t kBytes = 16;
  char text[24];
  std::snprintf(text, sizeof text, "%08zx ", offset);
  std::string line = text;
  std::string characters;
  for (std::size_t i = 0; i < kBytes; ++i) {
    if (i % 8 == 0) line += ' ';
    if (i >= bytes.size()) {
      line += "   ";
      continue;
    }
    const auto byte = static_cast<unsigned char>(bytes[i]);
    std::snprintf(text, sizeof text, "%02x ", byte);
    line += text;
    characters += byte >= 0x20 && byte < 0x7F ? bytes[i] : '.';
  }
  return line + " |" + characters + "|\n";
}

std::string hex_dump(std::string_view bytes) {
  std::string lines;
  for (std::size_t at = 0; at < bytes.size(); at += 16) lines += hex_line(at, bytes.substr(at, 16));
  return lines;
}

}  // namespace

PayloadText payload_text(const std::optional<std::string>& payload) {
  if (!payload) return {"null", ""};
  if (payload->empty()) return {"empty", ""};
  if (const auto json = pretty_json(*payload)) return {"JSON", printable_lines(*json)};
  if (is_text(*payload)) return {"text", printable_lines(*payload)};
  return {"hex", hex_dump(*payload)};
}

}  // namespace kinbox::cli

#include "cli/output/text_table.hpp"

#include <algorithm>
#include <cctype>
#include <string>
#include <string_view>

#include "cli/output/cell_text.hpp"
#include "kinbox/observe/printable.hpp"

namespace kinbox::cli {
namespace {

using observe::display_width;

constexpr std::string_view kEllipsis = "\xE2\x80\xA6";

bool is_number(const Cell& cell) {
  return std::holds_alternative<std::int64_t>(cell) || std::holds_alternative<double>(cell);
}

std::string heading(const std::string& name) {
  std::string text = name;
  for (char& c : text) {
    c = c == '_' ? ' ' : static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  }
  return text;
}

/// One column with its texts, as wide as its widest.
struct Strip {
  std::vector<std::string> texts;
  std::size_t width = 0;
  bool numeric = false;
};

bool is_continuation(char c) { return (static_cast<unsigned char>(c) & 0xC0) == 0x80; }

/// At most `widest` characters, the last of them an ellipsis if there were more.
std::string cut(std::string text, std::size_t widest) {
  if (widest == 0 || display_width(text) <= widest) return text;
  std::size_t end = 0;
  for (std::size_t character = 1; character < widest; ++character) do
      ++end;
    while (is_continuation(text[end]));
  return text.substr(0, end).append(kEllipsis);
}

Strip make_strip(const Table& table, std::size_t column, Width width) {
  const auto widest = width == Width::kTerminal ? table.columns[column].widest : 0;
  Strip strip;
  strip.texts.push_back(heading(table.columns[column].name));
  for (const auto& row : table.rows) {
    strip.texts.push_back(cut(observe::printable(to_text(row[column], "-")), widest));
    strip.numeric = strip.numeric || is_number(row[column]);
  }
  for (const auto& text : strip.texts) strip.width = std::max(strip.width, display_width(text));
  return strip;
}

std::string aligned(const Strip& strip, std::size_t line) {
  const auto& text = strip.texts[line];
  const std::string padding(strip.width - display_width(text), ' ');
  return strip.numeric ? padding + text : text + padding;
}

std::string without_trailing_blanks(std::string line) {
  line.erase(line.find_last_not_of(' ') + 1);
  return line;
}

}  // namespace

void write_text_table(std::ostream& out, const Table& table, Width width) {
  if (table.rows.empty()) {
    out << "(nothing)\n";
    return;
  }
  std::vector<Strip> strips;
  for (std::size_t i = 0; i < table.columns.size(); ++i)
    if (width == Width::kAll || !table.columns[i].detail)
      strips.push_back(make_strip(table, i, width));
  for (std::size_t line = 0; line <= table.rows.size(); ++line) {
    std::string text;
    for (const auto& strip : strips) text += (text.empty() ? "" : "  ") + aligned(strip, line);
    out << without_trailing_blanks(std::move(text)) << '\n';
  }
}

}  // namespace kinbox::cli

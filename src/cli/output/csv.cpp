#include "cli/output/csv.hpp"

#include <string_view>

#include "cli/output/cell_text.hpp"

namespace kinbox::cli {
namespace {

constexpr std::string_view kLineEnd = "\r\n";

std::string quoted(std::string_view field) {
  std::string text = "\"";
  for (const char c : field) {
    if (c == '"') text += '"';
    text += c;
  }
  return text + '"';
}

std::string field(std::string_view text) {
  return text.find_first_of("\",\r\n") == std::string_view::npos ? std::string(text) : quoted(text);
}

}  // namespace

void write_csv(std::ostream& out, const Table& table) {
  for (std::size_t i = 0; i < table.columns.size(); ++i)
    out << (i ? "," : "") << field(table.columns[i].name);
  out << kLineEnd;
  for (const auto& row : table.rows) {
    for (std::size_t i = 0; i < row.size(); ++i)
      out << (i ? "," : "") << field(to_text(row[i], ""));
    out << kLineEnd;
  }
}

}  // namespace kinbox::cli

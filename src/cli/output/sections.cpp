#include "cli/output/sections.hpp"

#include "cli/output/json.hpp"
#include "cli/usage_error.hpp"

namespace kinbox::cli {
namespace {

std::string heading(std::string name) {
  for (char& c : name)
    if (c == '_') c = ' ';
  return name;
}

void for_people(std::ostream& out, const std::vector<Section>& sections, OutputFormat format) {
  bool first = true;
  for (const auto& [name, table] : sections) {
    if (table.rows.empty()) continue;
    out << (first ? "" : "\n") << heading(name) << '\n';
    write(out, table, format);
    first = false;
  }
}

/// Names of sections and columns are the program's own: they need no escapes.
void as_object(std::ostream& out, const std::vector<Section>& sections) {
  out << '{';
  bool first = true;
  for (const auto& [name, table] : sections) {
    out << (first ? "" : ",\n ") << '"' << name << "\": ";
    write_json(out, table);
    first = false;
  }
  out << "}\n";
}

void as_lines(std::ostream& out, const std::vector<Section>& sections) {
  for (auto [name, table] : sections) {
    table.columns.insert(table.columns.begin(), {"section"});
    for (auto& row : table.rows) row.insert(row.begin(), name);
    write_json_lines(out, table);
  }
}

}  // namespace

void write_sections(std::ostream& out, const std::vector<Section>& sections, OutputFormat format) {
  switch (format) {
    case OutputFormat::kTable:
    case OutputFormat::kWide:
      return for_people(out, sections, format);
    case OutputFormat::kJson:
      return as_object(out, sections);
    case OutputFormat::kJsonLines:
      return as_lines(out, sections);
    case OutputFormat::kCsv:
      throw UsageError("this answer has several tables, and CSV holds one; use -o json or jsonl");
  }
}

}  // namespace kinbox::cli

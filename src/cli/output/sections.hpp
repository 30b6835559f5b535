#pragma once

#include <ostream>
#include <string>
#include <vector>

#include "cli/output/formatter.hpp"
#include "cli/output/table.hpp"

namespace kinbox::cli {

/// One part of an answer that no single table could hold.
struct Section {
  /// snake_case: the JSON key, and a heading for people.
  std::string name;
  Table table;
};

/// For people a heading and a table for each section that has rows. As JSON one object with an
/// array per section, empty ones too; as JSON lines every row with its section as first member.
/// Throws UsageError for CSV, which has one heading.
void write_sections(std::ostream& out, const std::vector<Section>& sections, OutputFormat format);

}  // namespace kinbox::cli

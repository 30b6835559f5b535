#include "cli/output/formatter.hpp"

#include "cli/output/csv.hpp"
#include "cli/output/json.hpp"
#include "cli/output/text_table.hpp"

namespace kinbox::cli {

void write(std::ostream& out, const Table& table, OutputFormat format) {
  switch (format) {
    case OutputFormat::kTable:
      return write_text_table(out, table, Width::kTerminal);
    case OutputFormat::kWide:
      return write_text_table(out, table, Width::kAll);
    case OutputFormat::kJson:
      return write_json(out, table);
    case OutputFormat::kJsonLines:
      return write_json_lines(out, table);
    case OutputFormat::kCsv:
      return write_csv(out, table);
  }
}

}  // namespace kinbox::cli

#include "cli/output/row_table.hpp"

#include "cli/output/readable.hpp"

namespace kinbox::cli {
namespace {

Cell cell_of(const SqlValue& value) {
  struct ToCell {
    Cell operator()(std::monostate) const { return {}; }
    Cell operator()(bool v) const { return v; }
    Cell operator()(std::int64_t v) const { return v; }
    Cell operator()(double v) const { return v; }
    Cell operator()(const std::string& v) const { return v; }
    Cell operator()(const ByteVector& v) const { return readable(std::string(as_text(v))); }
  };
  return std::visit(ToCell{}, value);
}

}  // namespace

Table table_of(const Rows& rows, std::vector<Column> columns) {
  Table table{std::move(columns), {}};
  for (const auto row : rows) {
    std::vector<Cell> cells;
    for (const auto& column : table.columns) cells.push_back(cell_of(row[column.name]));
    table.rows.push_back(std::move(cells));
  }
  return table;
}

}  // namespace kinbox::cli

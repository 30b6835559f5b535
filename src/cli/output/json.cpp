#include "cli/output/json.hpp"

#include <nlohmann/json.hpp>

namespace kinbox::cli {
namespace {

using Json = nlohmann::ordered_json;

Json to_json(const Cell& cell) {
  struct ToJson {
    Json operator()(std::monostate) const { return nullptr; }
    Json operator()(bool value) const { return value; }
    Json operator()(std::int64_t value) const { return value; }
    Json operator()(double value) const { return value; }
    Json operator()(const std::string& value) const { return value; }
  };
  return std::visit(ToJson{}, cell);
}

std::string object(const Table& table, const std::vector<Cell>& row) {
  Json object = Json::object();
  for (std::size_t i = 0; i < row.size(); ++i) object[table.columns[i].name] = to_json(row[i]);
  return object.dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace

void write_json(std::ostream& out, const Table& table) {
  out << '[';
  for (std::size_t i = 0; i < table.rows.size(); ++i)
    out << (i ? ",\n " : "\n ") << object(table, table.rows[i]);
  out << (table.rows.empty() ? "]\n" : "\n]\n");
}

void write_json_lines(std::ostream& out, const Table& table) {
  for (const auto& row : table.rows) out << object(table, row) << '\n';
}

}  // namespace kinbox::cli

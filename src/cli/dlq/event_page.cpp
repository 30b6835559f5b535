#include "cli/dlq/event_page.hpp"

#include "cli/output/cell_text.hpp"
#include "cli/output/payload_text.hpp"
#include "cli/output/readable.hpp"
#include "cli/output/row_table.hpp"
#include "core/iso_time.hpp"

namespace kinbox::cli {
namespace {

std::optional<std::string> readable_if(const std::optional<std::string>& bytes) {
  return bytes ? std::optional(readable(*bytes)) : std::nullopt;
}

Table names_and_values(const EventPage& page) {
  Table table{{{"name"}, {"value"}}, {}};
  const auto add = [&](const std::string& name, const std::optional<std::string>& value) {
    table.rows.push_back({name, value ? Cell{*value} : Cell{}});
  };
  for (const auto& [name, value] : page.facts) add(name, value);
  const auto& timestamp = page.record.timestamp;
  add("timestamp", timestamp ? std::optional(iso_text(*timestamp)) : std::nullopt);
  for (const auto& [name, value] : page.record.headers)
    add("header " + readable(name), readable_if(value));
  return table;
}

std::string history_text(const Row& row) {
  const auto text = [&](std::string_view column) {
    return row.get<std::optional<std::string>>(column).value_or("");
  };
  std::string line = text("at") + ' ' + text("what");
  if (const auto detail = text("detail"); !detail.empty()) line += ": " + detail;
  if (const auto who = text("who"); !who.empty())
    line += " (" + who + ", audit " + text("audit") + ')';
  if (const auto reason = text("reason"); !reason.empty()) line += " because: " + reason;
  return line;
}

void for_programs(const Invocation& invocation, const EventPage& page) {
  auto table = names_and_values(page);
  const auto add = [&](const char* name, const std::optional<std::string>& value) {
    table.rows.push_back({std::string(name), value ? Cell{*value} : Cell{}});
  };
  add("value", readable_if(page.record.value));
  if (page.original_value) add("original_value", readable(*page.original_value));
  for (const auto row : page.history) add("history", history_text(row));
  invocation.answer(table);
}

void section(std::ostream& out, const std::string& title,
             const std::optional<std::string>& payload) {
  const auto text = payload_text(payload);
  out << '\n' << title << ": " << text.form;
  if (payload && !payload->empty()) out << ", " << payload->size() << " bytes";
  out << '\n' << text.lines;
}

void for_people(const Invocation& invocation, const EventPage& page) {
  auto& out = invocation.io.out;
  invocation.answer(names_and_values(page));
  section(out, "value", page.record.value);
  if (page.original_value) section(out, "original value", page.original_value);
  if (page.history.empty()) return;
  out << "\nhistory\n";
  invocation.answer(
      table_of(page.history, {{"at"}, {"what"}, {"detail"}, {"who"}, {"audit"}, {"reason"}}));
}

}  // namespace

std::vector<std::pair<std::string, std::optional<std::string>>> facts_of(
    const Rows& row, const std::vector<std::string>& columns) {
  std::vector<Column> wanted;
  wanted.reserve(columns.size());
  for (const auto& column : columns) wanted.push_back({column});
  const auto table = table_of(row, std::move(wanted));
  std::vector<std::pair<std::string, std::optional<std::string>>> facts;
  for (std::size_t i = 0; i < columns.size(); ++i) {
    const auto& cell = table.rows.at(0)[i];
    facts.emplace_back(columns[i], std::holds_alternative<std::monostate>(cell)
                                       ? std::nullopt
                                       : std::optional(to_text(cell, "")));
  }
  return facts;
}

void answer_event(const Invocation& invocation, const EventPage& page) {
  const bool people =
      invocation.output == OutputFormat::kTable || invocation.output == OutputFormat::kWide;
  people ? for_people(invocation, page) : for_programs(invocation, page);
}

}  // namespace kinbox::cli

#include "kinbox/rows.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>

#include "kinbox/errors.hpp"

namespace kinbox {

Rows::Rows(std::vector<std::string> columns, std::vector<SqlValue> values)
    : table_(std::make_shared<const Table>(Table{std::move(columns), std::move(values)})) {}

std::size_t Rows::size() const noexcept {
  return columns().empty() ? 0 : table_->values.size() / table_->columns.size();
}

const std::vector<std::string>& Rows::columns() const noexcept {
  static const std::vector<std::string> kNone;
  return table_ ? table_->columns : kNone;
}

std::size_t Rows::column(std::string_view name) const {
  const auto found = std::find(columns().begin(), columns().end(), name);
  if (found == columns().end())
    throw SqlError("the result has no column \"" + std::string(name) + "\"", "kinbox_column");
  return static_cast<std::size_t>(found - columns().begin());
}

const SqlValue& Rows::at(std::size_t row, std::size_t column) const {
  if (column >= columns().size() || row >= size())
    throw SqlError("row " + std::to_string(row) + ", column " + std::to_string(column) +
                       " is outside the result of " + std::to_string(size()) + " rows and " +
                       std::to_string(columns().size()) + " columns",
                   "kinbox_column");
  return table_->values[row * columns().size() + column];
}

const SqlValue& Row::operator[](std::size_t column) const { return rows_.at(index_, column); }
const SqlValue& Row::operator[](std::string_view column) const {
  return rows_.at(index_, rows_.column(column));
}

namespace detail {
namespace {

std::string_view type_name(const SqlValue& value) {
  constexpr std::string_view kNames[] = {"NULL", "bool", "integer", "double", "text", "bytes"};
  return kNames[value.index()];
}

[[noreturn]] void refuse(const SqlValue& value, std::string_view column, std::string_view wanted) {
  std::string hint;
  if (std::holds_alternative<std::monostate>(value)) hint = "; read it as std::optional";
  throw SqlError("column \"" + std::string(column) + "\" holds " + std::string(type_name(value)) +
                     ", which does not read as " + std::string(wanted) + hint,
                 "kinbox_type");
}

template <typename Number>
Number parse(const SqlValue& value, std::string_view column, std::string_view wanted) {
  const auto& text = std::get<std::string>(value);
  Number number{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{} || end != text.data() + text.size()) refuse(value, column, wanted);
  return number;
}

}  // namespace

bool to_bool(const SqlValue& value, std::string_view column) {
  if (const auto* flag = std::get_if<bool>(&value)) return *flag;
  const auto* number = std::get_if<std::int64_t>(&value);
  if (number == nullptr || (*number != 0 && *number != 1)) refuse(value, column, "bool");
  return *number == 1;
}

std::int64_t to_int64(const SqlValue& value, std::string_view column) {
  if (const auto* number = std::get_if<std::int64_t>(&value)) return *number;
  if (const auto* flag = std::get_if<bool>(&value)) return *flag ? 1 : 0;
  if (!std::holds_alternative<std::string>(value)) refuse(value, column, "an integer");
  return parse<std::int64_t>(value, column, "an integer");
}

double to_double(const SqlValue& value, std::string_view column) {
  if (const auto* number = std::get_if<double>(&value)) return *number;
  if (const auto* number = std::get_if<std::int64_t>(&value)) return static_cast<double>(*number);
  if (!std::holds_alternative<std::string>(value)) refuse(value, column, "a double");
  return parse<double>(value, column, "a double");
}

std::string to_text(const SqlValue& value, std::string_view column) {
  if (const auto* text = std::get_if<std::string>(&value)) return *text;
  if (const auto* number = std::get_if<std::int64_t>(&value)) return std::to_string(*number);
  if (const auto* flag = std::get_if<bool>(&value)) return *flag ? "true" : "false";
  refuse(value, column, "text");
}

ByteVector to_bytes(const SqlValue& value, std::string_view column) {
  if (const auto* bytes = std::get_if<ByteVector>(&value)) return *bytes;
  const auto* text = std::get_if<std::string>(&value);
  if (text == nullptr) refuse(value, column, "bytes");
  const auto view = as_bytes(*text);
  return {view.begin(), view.end()};
}

}  // namespace detail
}  // namespace kinbox

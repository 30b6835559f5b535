#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "kinbox/sql_value.hpp"

namespace kinbox {

class Row;

/// The rows of a query, in the database's order. Owns its data; copies and rows share it.
class Rows {
 public:
  Rows() = default;
  /// `values` are row after row, `columns.size()` each.
  Rows(std::vector<std::string> columns, std::vector<SqlValue> values);

  std::size_t size() const noexcept;
  bool empty() const noexcept { return size() == 0; }
  /// `index` < size().
  Row operator[](std::size_t index) const;
  const std::vector<std::string>& columns() const noexcept;
  /// Throws SqlError when the result has no such column.
  std::size_t column(std::string_view name) const;
  /// Throws SqlError outside the result.
  const SqlValue& at(std::size_t row, std::size_t column) const;

  class Iterator;
  Iterator begin() const;
  Iterator end() const;

 private:
  struct Table {
    std::vector<std::string> columns;
    std::vector<SqlValue> values;
  };
  std::shared_ptr<const Table> table_;
};

/// One row of a result. Keeps the result alive.
class Row {
 public:
  Row(Rows rows, std::size_t index) : rows_(std::move(rows)), index_(index) {}

  const SqlValue& operator[](std::size_t column) const;
  const SqlValue& operator[](std::string_view column) const;

  /// The field as T: bool, std::int64_t, double, std::string, ByteVector, or std::optional of one
  /// of them for a column that may be NULL. Conversions that lose nothing are made (SQLite keeps a
  /// bool as integer, an int64 reads as double or text); anything else, and NULL without
  /// std::optional, throws SqlError naming column and types.
  template <typename T>
  T get(std::size_t column) const;
  template <typename T>
  T get(std::string_view column) const;

 private:
  Rows rows_;
  std::size_t index_;
};

class Rows::Iterator {
 public:
  Iterator(const Rows& rows, std::size_t index) : rows_(&rows), index_(index) {}
  Row operator*() const { return {*rows_, index_}; }
  Iterator& operator++() {
    ++index_;
    return *this;
  }
  bool operator==(const Iterator&) const = default;

 private:
  const Rows* rows_;
  std::size_t index_;
};

inline Row Rows::operator[](std::size_t index) const { return {*this, index}; }
inline Rows::Iterator Rows::begin() const { return {*this, 0}; }
inline Rows::Iterator Rows::end() const { return {*this, size()}; }

namespace detail {
bool to_bool(const SqlValue& value, std::string_view column);
std::int64_t to_int64(const SqlValue& value, std::string_view column);
double to_double(const SqlValue& value, std::string_view column);
std::string to_text(const SqlValue& value, std::string_view column);
ByteVector to_bytes(const SqlValue& value, std::string_view column);

template <typename T>
struct FieldReader;
template <>
struct FieldReader<bool> {
  static bool read(const SqlValue& v, std::string_view c) { return to_bool(v, c); }
};
template <>
struct FieldReader<std::int64_t> {
  static std::int64_t read(const SqlValue& v, std::string_view c) { return to_int64(v, c); }
};
template <>
struct FieldReader<double> {
  static double read(const SqlValue& v, std::string_view c) { return to_double(v, c); }
};
template <>
struct FieldReader<std::string> {
  static std::string read(const SqlValue& v, std::string_view c) { return to_text(v, c); }
};
template <>
struct FieldReader<ByteVector> {
  static ByteVector read(const SqlValue& v, std::string_view c) { return to_bytes(v, c); }
};
template <typename T>
struct FieldReader<std::optional<T>> {
  static std::optional<T> read(const SqlValue& v, std::string_view c) {
    if (std::holds_alternative<std::monostate>(v)) return std::nullopt;
    return FieldReader<T>::read(v, c);
  }
};
}  // namespace detail

template <typename T>
T Row::get(std::size_t column) const {
  return detail::FieldReader<T>::read(rows_.at(index_, column), rows_.columns()[column]);
}

template <typename T>
T Row::get(std::string_view column) const {
  return get<T>(rows_.column(column));
}

}  // namespace kinbox

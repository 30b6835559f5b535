#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include "kinbox/sql_value.hpp"

namespace kinbox::postgres {

/// Arguments in libpq's form. Bytes are pointed to, so the arguments must live as long; the rest is
/// copied. Memory is kept from one assignment to the next.
class Parameters {
 public:
  Parameters() = default;
  explicit Parameters(std::span<const SqlParam> params) { assign(params); }

  /// Throws SqlError (22021) on a text that holds NUL: libpq would cut it there, and two ids would
  /// become one.
  void assign(std::span<const SqlParam> params);

  int count() const { return static_cast<int>(values_.size()); }
  /// What will be sent, in bytes.
  std::size_t size() const { return size_; }
  const char* const* values() const { return values_.data(); }
  const int* lengths() const { return lengths_.data(); }
  const int* formats() const { return formats_.data(); }

 private:
  void add(const SqlParam& param);
  void add_text(std::string_view text);

  /// All texts, each with its NUL.
  std::string texts_;
  /// Where a value's text begins; kNotInTexts for others.
  std::vector<std::size_t> begins_;
  std::size_t size_ = 0;
  std::vector<const char*> values_;
  std::vector<int> lengths_;
  std::vector<int> formats_;
};

/// Appends `param` to a PostgreSQL array literal. Throws like Parameters.
void append_element(std::string& literal, const SqlParam& param);

/// Rows as PostgreSQL takes them in one statement: an array literal per column, or one text where
/// all rows have the same.
class ColumnArrays {
 public:
  /// `rows` are row after row, `columns` each; `often_equal` as in BulkStatement. Throws like
  /// Parameters.
  ColumnArrays(std::span<const SqlParam> rows, std::size_t columns,
               std::span<const std::size_t> often_equal = {});

  /// The arrays, and behind them what the columns of `often_equal` hold. Points into this object
  /// and into the rows.
  std::vector<SqlParam> params() const;

 private:
  std::vector<std::string> arrays_;
  std::vector<SqlParam> shared_;
};

}  // namespace kinbox::postgres

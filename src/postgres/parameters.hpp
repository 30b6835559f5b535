#pragma once

#include <span>
#include <string>
#include <vector>

#include "kinbox/sql_value.hpp"

namespace kinbox::postgres {

/// Arguments in libpq's form. Bytes are pointed to, so the arguments must live as long; the rest is
/// copied.
class Parameters {
 public:
  Parameters() = default;
  /// Throws SqlError (22021) on a text that holds NUL: libpq would cut it there, and two ids would
  /// become one.
  explicit Parameters(std::span<const SqlParam> params);

  int count() const { return static_cast<int>(values_.size()); }
  const char* const* values() const { return values_.data(); }
  const int* lengths() const { return lengths_.data(); }
  const int* formats() const { return formats_.data(); }

 private:
  void add(const SqlParam& param);
  void add_text(std::string text);

  std::vector<std::string> texts_;
  std::vector<const char*> values_;
  std::vector<int> lengths_;
  std::vector<int> formats_;
};

/// `rows` (row after row, `columns` each) as one PostgreSQL array literal per column. Throws like
/// Parameters.
std::vector<std::string> array_literals(std::span<const SqlParam> rows, std::size_t columns);

}  // namespace kinbox::postgres

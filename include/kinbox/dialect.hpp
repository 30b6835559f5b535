#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace kinbox {

enum class Backend { kSqlite, kPostgres };

/// What differs between the databases in SQL texts that are otherwise one.
class Dialect {
 public:
  /// `schema` qualifies kinbox's own tables: "main" on SQLite, "kinbox" unless told otherwise on
  /// PostgreSQL. Lower-case letters, digits and '_' only; anything else throws ConfigurationError.
  Dialect(Backend backend, std::string schema);

  Backend backend() const noexcept { return backend_; }
  const std::string& schema() const noexcept { return schema_; }

  /// `text` with `{kinbox}` replaced by the schema and `{now}` by the expression for the wall clock
  /// (timestamptz on PostgreSQL; ISO 8601 text in UTC with milliseconds on SQLite).
  std::string render(std::string_view text) const;

 private:
  Backend backend_;
  std::string schema_;
};

/// One statement that runs for many rows: once per row where that costs nothing, as one set where
/// every statement is a round trip.
struct BulkStatement {
  /// Parameters $1..$n are one row's.
  std::string for_each_row;
  /// Parameters $1..$n are one array per column, for `unnest($1::text[], $2::bytea[] ...)`.
  std::string for_all_rows;
  /// Text columns, counted from 0, that mostly hold one text for all rows: reading an array costs
  /// the server about as much as inserting its elements. Behind the arrays, each has a parameter of
  /// its own, in this order: the text, if all rows have the same, and the column's array is empty;
  /// else NULL. One column at least is not among them.
  std::vector<std::size_t> often_equal = {};
};

}  // namespace kinbox

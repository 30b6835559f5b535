#pragma once

#include <string>
#include <string_view>
#include <utility>

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
};

}  // namespace kinbox

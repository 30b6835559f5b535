#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "kinbox/rows.hpp"
#include "kinbox/sql_value.hpp"

struct sqlite3_stmt;

namespace kinbox::sqlite {

class Connection;

/// One prepared statement. Dies before its connection.
class Statement {
 public:
  /// Throws SqlError when `sql` is not exactly one statement with placeholders $1, $2 ... $n.
  Statement(Connection& connection, std::string_view sql);

  /// What runs gave back so far: row after row.
  struct Result {
    std::vector<std::string> columns;
    std::vector<SqlValue> values;

    Rows rows() && { return {std::move(columns), std::move(values)}; }
  };

  /// Runs it to its end. The rows it gives are appended to `result` unless that is null.
  void run(std::span<const SqlParam> params, Result* result);

 private:
  struct Finalize {
    void operator()(sqlite3_stmt* statement) const noexcept;
  };
  using Handle = std::unique_ptr<sqlite3_stmt, Finalize>;
  class Run;

  /// Takes the first statement off `sql`; null when only blanks and comments are left.
  Handle prepare(std::string_view& sql);
  void number_placeholders();
  void bind(std::span<const SqlParam> params);
  bool step();

  Connection& connection_;
  Handle handle_;
  /// For SQLite's parameter i (from 0) the number N of its "$N".
  std::vector<std::size_t> numbers_;
};

}  // namespace kinbox::sqlite

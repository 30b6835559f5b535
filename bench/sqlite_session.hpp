#pragma once

#include <sqlite3.h>

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "kinbox/bytes.hpp"

namespace kinbox::bench {

/// A SQLite connection as code that uses its C API directly has it, with kinbox's durability: WAL,
/// synchronous=FULL. Errors throw std::runtime_error.
class SqliteSession {
 public:
  explicit SqliteSession(const std::string& file);

  void run(const char* sql);
  /// Rows that the last INSERT, UPDATE or DELETE touched.
  std::int64_t affected() const { return sqlite3_changes64(handle()); }
  sqlite3* handle() const { return handle_.get(); }

 private:
  struct Close {
    void operator()(sqlite3* handle) const noexcept { sqlite3_close(handle); }
  };
  std::unique_ptr<sqlite3, Close> handle_;
};

/// A prepared statement. Values are bound without a copy and must live until `run` returns.
class SqliteStatement {
 public:
  SqliteStatement(SqliteSession& session, const char* sql);

  /// Runs it once; true if it returned a row, whose first column is then in `number()`.
  template <typename... Values>
  bool run(const Values&... values) {
    int index = 0;
    (bind(++index, values), ...);
    return step();
  }

  std::int64_t number() const { return number_; }

 private:
  void bind(int index, std::int64_t value);
  void bind(int index, std::string_view text);
  void bind(int index, const std::string& text) { bind(index, std::string_view(text)); }
  void bind(int index, const char* text) { bind(index, std::string_view(text)); }
  void bind(int index, Bytes bytes);
  bool step();

  struct Finalize {
    void operator()(sqlite3_stmt* statement) const noexcept { sqlite3_finalize(statement); }
  };
  SqliteSession& session_;
  std::unique_ptr<sqlite3_stmt, Finalize> statement_;
  std::int64_t number_ = 0;
};

}  // namespace kinbox::bench

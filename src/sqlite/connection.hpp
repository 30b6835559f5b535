#pragma once

#include <SQLiteCpp/Database.h>

#include <chrono>
#include <memory>
#include <string>
#include <string_view>

#include "kinbox/sqlite/database.hpp"
#include "sqlite/authorizer.hpp"
#include "sqlite/statement_cache.hpp"

namespace kinbox::sqlite {

/// One open SQLite connection that has what the promise needs: WAL, synchronous=FULL,
/// foreign_keys=ON, the authorizer.
class Connection {
 public:
  /// Throws RefusedError on a file that is no database, cannot be written or does not take the
  /// settings; InfrastructureError when it is not to be had now.
  explicit Connection(const Options& options);

  sqlite3* handle() const { return database_.getHandle(); }
  SQLite::Database& native() { return database_; }

  /// The statement of `sql`, prepared once.
  Statement& prepared(std::string_view sql) { return statements_.get(*this, sql); }

  bool in_transaction() const;
  void begin_immediate(std::chrono::milliseconds wait);
  void commit() { run("COMMIT"); }
  /// False when the connection is no longer good.
  bool rollback() noexcept;

  /// Several statements, handlers' limits included.
  void run_script(const std::string& script);
  /// A query of kinbox's own, which the authorizer does not judge. Not cached.
  Rows query_as_framework(const std::string& sql);
  /// Reads back every setting; RefusedError on the first that is not as it must be.
  void refuse_changed_settings();

  /// Pages that hold nothing, and whether the file can become smaller by them.
  struct FreePages {
    std::int64_t count = 0;
    bool can_go = false;
  };
  FreePages free_pages();
  /// Cuts off at most so many of them. Inside a transaction.
  void vacuum(std::size_t pages);

  /// Whether a new connection should take this one's place: it failed, or its file is no longer the
  /// one at the path.
  bool is_broken() const;

  /// Throws what `result_code` means, with SQLite's message; RefusedError instead of SqlError while
  /// the connection is being opened. SQLITE_OK, ROW and DONE pass.
  void check(int result_code);

 private:
  struct Setting;

  void run(const char* sql);
  void configure();
  void set(const std::string& pragma);
  std::int64_t number(const std::string& sql);
  void refuse_changed(const Setting& setting);
  void refuse_read_only() const;
  bool has_moved() const;
  std::string in_this_file(const std::string& text) const;
  [[noreturn]] void fail(int result_code);

  Options options_;
  SQLite::Database database_;
  Authorizer authorizer_;
  // After the database: statements must be finalized before it closes.
  StatementCache statements_;
  bool is_open_ = false;
  bool failed_ = false;
};

}  // namespace kinbox::sqlite

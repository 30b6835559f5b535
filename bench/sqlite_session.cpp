#include "sqlite_session.hpp"

#include <stdexcept>

namespace kinbox::bench {
namespace {

void check(sqlite3* handle, int result) {
  if (result != SQLITE_OK && result != SQLITE_ROW && result != SQLITE_DONE)
    throw std::runtime_error(sqlite3_errmsg(handle));
}

}  // namespace

SqliteSession::SqliteSession(const std::string& file) {
  sqlite3* raw = nullptr;
  const int result =
      sqlite3_open_v2(file.c_str(), &raw, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, nullptr);
  handle_.reset(raw);
  check(raw, result);
  run("PRAGMA journal_mode = WAL");
  run("PRAGMA synchronous = FULL");
  run("PRAGMA foreign_keys = ON");
  sqlite3_busy_timeout(raw, 5'000);
}

void SqliteSession::run(const char* sql) {
  check(handle(), sqlite3_exec(handle(), sql, nullptr, nullptr, nullptr));
}

SqliteStatement::SqliteStatement(SqliteSession& session, const char* sql) : session_(session) {
  sqlite3_stmt* raw = nullptr;
  check(session.handle(),
        sqlite3_prepare_v3(session.handle(), sql, -1, SQLITE_PREPARE_PERSISTENT, &raw, nullptr));
  statement_.reset(raw);
}

void SqliteStatement::bind(int index, std::int64_t value) {
  check(session_.handle(), sqlite3_bind_int64(statement_.get(), index, value));
}

void SqliteStatement::bind(int index, std::string_view text) {
  check(session_.handle(), sqlite3_bind_text64(statement_.get(), index, text.data(), text.size(),
                                               SQLITE_STATIC, SQLITE_UTF8));
}

void SqliteStatement::bind(int index, Bytes bytes) {
  check(session_.handle(),
        sqlite3_bind_blob64(statement_.get(), index, bytes.data(), bytes.size(), SQLITE_STATIC));
}

bool SqliteStatement::step() {
  const int result = sqlite3_step(statement_.get());
  if (result == SQLITE_ROW) number_ = sqlite3_column_int64(statement_.get(), 0);
  sqlite3_reset(statement_.get());
  check(session_.handle(), result);
  return result == SQLITE_ROW;
}

}  // namespace kinbox::bench

#include "sqlite/connection.hpp"

#include <SQLiteCpp/Exception.h>
#include <sqlite3.h>

#include <algorithm>
#include <array>
#include <thread>

#include "kinbox/errors.hpp"
#include "sqlite/error_classes.hpp"

namespace kinbox::sqlite {
namespace {

bool is_memory(const Options& options) { return options.path == ":memory:"; }

int milliseconds_as_int(std::chrono::milliseconds wait) {
  return static_cast<int>(std::clamp<std::int64_t>(wait.count(), 0, 1'000'000'000));
}

SQLite::Database open_database(const Options& options) {
  const int flags =
      SQLite::OPEN_READWRITE | SQLite::OPEN_NOMUTEX | (options.create ? SQLite::OPEN_CREATE : 0);
  try {
    return {options.path, flags, milliseconds_as_int(options.lock_timeout)};
  } catch (const SQLite::Exception& error) {
    throw InfrastructureError("SQLite file " + options.path + " cannot be opened: " + error.what() +
                              "; it and its directory must exist and be writable");
  }
}

/// What stands behind "constraint failed: " in SQLite's message.
std::string constraint_in(std::string_view message) {
  constexpr std::string_view kMark = " constraint failed: ";
  const auto at = message.find(kMark);
  return at == std::string_view::npos ? "" : std::string(message.substr(at + kMark.size()));
}

}  // namespace

/// What every connection must have, as SQLite reports it.
struct Connection::Setting {
  const char* name;
  const char* set;
  const char* expected;
  const char* why;

  static const std::array<Setting, 4> kAll;
};

const std::array<Connection::Setting, 4> Connection::Setting::kAll{{
    {"foreign_keys", "ON", "1", "the guard against foreign commits is a foreign key"},
    {"synchronous", "FULL", "2", "a commit must survive a power cut"},
    {"journal_mode", "WAL", "wal",
     "readers must not block the writer; the file system must offer shared memory for it"},
    {"cache_size", "-16384", "-16384",
     "16 MiB: ids are random, and the inbox's index is met everywhere"},
}};

Connection::Connection(const Options& options)
    : options_(options), database_(open_database(options)), statements_(options.statement_cache) {
  sqlite3_extended_result_codes(handle(), 1);
  configure();
  authorizer_.install(handle());
}

void Connection::configure() {
  refuse_read_only();
  // Only a file that holds nothing yet takes it, not even the mark of WAL.
  if (number("PRAGMA page_count") == 0) set("PRAGMA auto_vacuum = INCREMENTAL");
  for (const auto& setting : Setting::kAll) {
    set(std::string("PRAGMA ") + setting.name + " = " + setting.set);
    refuse_changed(setting);
  }
  is_open_ = true;
}

/// To turn a new file to WAL needs it alone, and there SQLite does not wait for other processes,
/// whatever busy_timeout says.
void Connection::set(const std::string& text) {
  const auto deadline = std::chrono::steady_clock::now() + options_.lock_timeout;
  for (;;) {
    const int result = sqlite3_exec(handle(), text.c_str(), nullptr, nullptr, nullptr);
    const bool may_pass = result == SQLITE_BUSY && std::chrono::steady_clock::now() < deadline;
    if (!may_pass) return check(result);
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
}

void Connection::refuse_changed_settings() {
  for (const auto& setting : Setting::kAll) refuse_changed(setting);
}

void Connection::refuse_changed(const Setting& setting) {
  const auto found =
      query_as_framework(std::string("PRAGMA ") + setting.name)[0].get<std::string>(0);
  if (found == setting.expected) return;
  // In memory there is no journal to write ahead, and nothing to survive.
  if (is_memory(options_) && found == "memory") return;
  throw RefusedError(in_this_file(std::string("PRAGMA ") + setting.name + " is \"" + found +
                                  "\" where \"" + setting.expected +
                                  "\" is needed: " + setting.why));
}

void Connection::refuse_read_only() const {
  if (sqlite3_db_readonly(handle(), "main") == 0) return;
  throw RefusedError(
      in_this_file("the file is read-only for this user; make it and its directory writable"));
}

Rows Connection::query_as_framework(const std::string& sql) {
  const Authorizer::Permit permit(authorizer_);
  Statement statement(*this, sql);
  Statement::Result result;
  statement.run({}, &result);
  return std::move(result).rows();
}

std::int64_t Connection::number(const std::string& sql) {
  return query_as_framework(sql)[0].get<std::int64_t>(0);
}

bool Connection::in_transaction() const { return sqlite3_get_autocommit(handle()) == 0; }

void Connection::begin_immediate(std::chrono::milliseconds wait) {
  sqlite3_busy_timeout(handle(), milliseconds_as_int(wait));
  run("BEGIN IMMEDIATE");
}

bool Connection::rollback() noexcept {
  const Authorizer::Permit permit(authorizer_);
  if (in_transaction()) sqlite3_exec(handle(), "ROLLBACK", nullptr, nullptr, nullptr);
  failed_ = failed_ || in_transaction();
  return !failed_;
}

void Connection::run(const char* sql) {
  const Authorizer::Permit permit(authorizer_);
  check(sqlite3_exec(handle(), sql, nullptr, nullptr, nullptr));
}

void Connection::run_script(const std::string& script) {
  check(sqlite3_exec(handle(), script.c_str(), nullptr, nullptr, nullptr));
}

Connection::FreePages Connection::free_pages() {
  constexpr std::int64_t kIncremental = 2;
  return {number("PRAGMA freelist_count"), number("PRAGMA auto_vacuum") == kIncremental};
}

void Connection::vacuum(std::size_t pages) {
  run(("PRAGMA incremental_vacuum(" + std::to_string(pages) + ")").c_str());
}

bool Connection::has_moved() const {
  int moved = 0;
  sqlite3_file_control(handle(), "main", SQLITE_FCNTL_HAS_MOVED, &moved);
  return moved != 0;
}

bool Connection::is_broken() const { return failed_ || has_moved(); }

std::string Connection::in_this_file(const std::string& text) const {
  return "SQLite file " + options_.path + ": " + text;
}

void Connection::check(int result_code) {
  if (result_code == SQLITE_OK || result_code == SQLITE_ROW || result_code == SQLITE_DONE) return;
  fail(result_code);
}

void Connection::fail(int result_code) {
  const auto& error = class_of(result_code);
  const std::string message = sqlite3_errmsg(handle());
  const std::string text = message + " (" + error.name + ")";
  failed_ = failed_ || error.blame == Blame::kConnection || error.blame == Blame::kFile;
  if (!is_open_ && error.blame != Blame::kInfrastructure && error.blame != Blame::kConnection)
    throw RefusedError(in_this_file(text + "; file and directory must be writable"));
  switch (error.blame) {
    case Blame::kInfrastructure:
    case Blame::kConnection:
    case Blame::kFile:
      throw InfrastructureError(in_this_file(text));
    case Blame::kMisuse:
      throw TransactionMisuse("refused: " + authorizer_.take_denied() +
                              " reaches beyond the batch's transaction; kinbox alone begins, "
                              "commits and configures. To fail the event, throw");
    case Blame::kStatement:
      break;
  }
  throw SqlError(text, error.name, constraint_in(message));
}

}  // namespace kinbox::sqlite

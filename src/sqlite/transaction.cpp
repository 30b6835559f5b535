#include "sqlite/transaction.hpp"

#include <sqlite3.h>

#include <optional>

#include "kinbox/errors.hpp"
#include "kinbox/handler_clock.hpp"
#include "kinbox/sqlite/native.hpp"
#include "sqlite/error_classes.hpp"

namespace kinbox::sqlite {
namespace {

/// Rows that one statement changed itself. sqlite3_changes alone still tells the last DML's after
/// a statement that is none.
class ChangeCount {
 public:
  explicit ChangeCount(sqlite3* db) : db_(db), before_(sqlite3_total_changes64(db)) {}
  std::int64_t rows() const {
    return sqlite3_total_changes64(db_) == before_ ? 0 : sqlite3_changes64(db_);
  }

 private:
  sqlite3* db_;
  std::int64_t before_;
};

/// Steps of SQLite's machine between two looks at the clock: about a tenth of a millisecond.
constexpr int kStepsBetweenLooks = 4'000;

int is_over(void* clock) {
  return std::chrono::steady_clock::now() > static_cast<HandlerClock*>(clock)->deadline() ? 1 : 0;
}

/// The PRAGMAs that look at the whole file and change nothing.
bool checks_file(std::string_view sql) {
  return sql.starts_with("PRAGMA main.integrity_check") ||
         sql.starts_with("PRAGMA main.foreign_key_check");
}

}  // namespace

SqliteTransaction::SqliteTransaction(std::shared_ptr<Connection> connection, WriterGate::Turn turn,
                                     Dialect dialect)
    : connection_(std::move(connection)), turn_(std::move(turn)), dialect_(std::move(dialect)) {}

/// Unlike sqlite3_interrupt it takes no other thread, and cannot come too late for its statement.
void SqliteTransaction::do_limit_waits() {
  sqlite3_progress_handler(connection_->handle(), clock() != nullptr ? kStepsBetweenLooks : 0,
                           is_over, clock());
}

std::exception_ptr SqliteTransaction::silent_end() const {
  if (connection_->in_transaction()) return nullptr;
  // Only native access gets here with an error that nobody has seen; the last one ended it.
  const auto& last = class_of(sqlite3_extended_errcode(connection_->handle()));
  const auto text = std::string("SQLite has ended the batch's transaction by itself (") +
                    last.name + "); nothing of it is stored";
  if (last.blame == Blame::kStatement || last.blame == Blame::kMisuse)
    return std::make_exception_ptr(TransactionMisuse(text));
  return std::make_exception_ptr(InfrastructureError(text));
}

std::exception_ptr SqliteTransaction::do_native_failure() noexcept { return silent_end(); }

void SqliteTransaction::refuse_if_over() const {
  if (const auto end = silent_end()) std::rethrow_exception(end);
}

/// Runs `call` only inside the transaction, and sees that it is still there afterwards.
template <typename Call>
void SqliteTransaction::inside(Call call) {
  refuse_if_over();
  try {
    call();
  } catch (const SqlError& error) {
    if (clock() == nullptr || error.code() != "SQLITE_INTERRUPT") throw;
    throw HandlerTimeout("SQLite: interrupted when the handler's time was over (" +
                         std::to_string(clock()->limit().count()) + "ms)");
  }
  refuse_if_over();
}

void SqliteTransaction::do_execute(StatementNumber number, std::string_view sql,
                                   std::span<const SqlParam> params) {
  inside([&] {
    auto& statement = connection_->prepared(sql);
    const ChangeCount changes(connection_->handle());
    statement.run(params, nullptr);
    affected_rows_.resize(static_cast<std::size_t>(number) + 1);
    affected_rows_.back() = changes.rows();
  });
}

Rows SqliteTransaction::do_query(std::string_view sql, std::span<const SqlParam> params) {
  // Not kept prepared: SQLite judges a statement when it is prepared, and handlers may not run it.
  if (origin() == Origin::kFramework && checks_file(sql)) return check_file(sql);
  Statement::Result result;
  inside([&] { connection_->prepared(sql).run(params, &result); });
  return std::move(result).rows();
}

Rows SqliteTransaction::check_file(std::string_view sql) {
  std::optional<Rows> found;
  inside([&] { found = connection_->query_as_framework(std::string(sql)); });
  return *std::move(found);
}

std::int64_t SqliteTransaction::do_await_affected_rows(StatementNumber number) {
  return affected_rows_.at(static_cast<std::size_t>(number));
}

Rows SqliteTransaction::do_query_bulk(const BulkStatement& bulk, std::span<const SqlParam> rows,
                                      std::size_t columns) {
  Statement::Result result;
  inside([&] {
    auto& statement = connection_->prepared(bulk.for_each_row);
    for (std::size_t row = 0; row < rows.size(); row += columns)
      statement.run(rows.subspan(row, columns), &result);
  });
  return std::move(result).rows();
}

void SqliteTransaction::run_script(const std::string& script) {
  refuse_if_doomed();
  try {
    inside([&] { connection_->run_script(script); });
  } catch (...) {
    doom(std::current_exception());
    throw;
  }
}

void SqliteTransaction::do_commit(const std::function<void()>& on_sent) {
  refuse_if_over();
  if (on_sent) on_sent();
  connection_->commit();
  if (connection_->in_transaction())
    throw InfrastructureError("SQLite answered COMMIT and kept the transaction open");
  turn_.give_back();
}

void SqliteTransaction::do_rollback() noexcept {
  connection_->rollback();
  turn_.give_back();
}

SQLite::Database& native(Transaction& transaction) {
  if (auto* ours = dynamic_cast<SqliteTransaction*>(&transaction)) return ours->native();
  throw ConfigurationError(
      "sqlite::native() on a transaction that is not SQLite's; look at dialect().backend() first");
}

}  // namespace kinbox::sqlite

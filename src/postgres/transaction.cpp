#include "postgres/transaction.hpp"

#include <algorithm>
#include <chrono>

#include "kinbox/errors.hpp"
#include "postgres/error_classes.hpp"
#include "postgres/result_rows.hpp"

namespace kinbox::postgres {
namespace {

// Enough for a healthy server; with another one, dropping the connection rolls back as well.
constexpr std::chrono::seconds kRollbackDeadline{5};

/// A syntax error in a script of a hundred lines needs more than its message.
void refuse_with_line(const std::string& script, const PGresult& failure) {
  const char* position = PQresultErrorField(&failure, PG_DIAG_STATEMENT_POSITION);
  if (position == nullptr) return;
  const auto end = std::min(script.size(), static_cast<std::size_t>(std::stoul(position)));
  const auto lines = std::count(script.begin(), script.begin() + static_cast<long>(end), '\n');
  throw SqlError("line " + std::to_string(lines + 1) + ": " + message_of(failure) + " (SQLSTATE " +
                     sqlstate_of(failure) + ")",
                 sqlstate_of(failure));
}

[[noreturn]] void throw_outcome_unknown(const std::string& why) {
  throw InfrastructureError(why + "; nobody knows whether COMMIT happened");
}

}  // namespace

PostgresTransaction::PostgresTransaction(std::shared_ptr<Connection> connection,
                                         const Dialect& dialect)
    : connection_(std::move(connection)), dialect_(dialect) {}

PostgresTransaction::~PostgresTransaction() { rollback(); }

void PostgresTransaction::do_execute(StatementNumber number, std::string_view sql,
                                     std::span<const SqlParam> params) {
  const auto result = run(sql, params);
  affected_.resize(static_cast<std::size_t>(number) + 1);
  affected_.back() = affected_rows(*result);
}

Rows PostgresTransaction::do_query(std::string_view sql, std::span<const SqlParam> params) {
  return rows_from(*run(sql, params));
}

std::int64_t PostgresTransaction::do_await_affected_rows(StatementNumber number) {
  return affected_.at(static_cast<std::size_t>(number));
}

std::exception_ptr PostgresTransaction::do_native_failure() noexcept {
  return connection_->native_failure();
}

Rows PostgresTransaction::do_query_bulk(const BulkStatement& statement,
                                        std::span<const SqlParam> rows, std::size_t columns) {
  if (rows.empty()) return {};
  const auto literals = array_literals(rows, columns);
  const std::vector<SqlParam> arrays(literals.begin(), literals.end());
  return rows_from(*run(statement.for_all_rows, arrays));
}

void PostgresTransaction::do_flush() { refuse_native_failure(); }

void PostgresTransaction::do_commit(const std::function<void()>& on_sent) {
  refuse_native_failure();
  connection_->end_native();
  const auto deadline = connection_->call_deadline();
  ResultHandle result;
  try {
    connection_->start("COMMIT", deadline);
    if (on_sent) on_sent();
    result = connection_->finish(deadline);
  } catch (const InfrastructureError& error) {
    throw_outcome_unknown(error.what());
  }
  if (!succeeded(*result) && sqlstate_of(*result).empty())
    throw_outcome_unknown("PostgreSQL: " + message_of(*result));
  require_commit(*result);
}

void PostgresTransaction::require_commit(PGresult& result) {
  require_success(result);
  const std::string tag = PQcmdStatus(&result);
  if (tag == "COMMIT") return;
  // No error: this is how PostgreSQL answers COMMIT in an aborted transaction.
  throw SqlError(
      "PostgreSQL answered " + tag + " to COMMIT: a statement had failed, and nothing was stored",
      "25P02");
}

void PostgresTransaction::do_rollback() noexcept {
  connection_->end_native();
  const auto is_over = [&] { return PQtransactionStatus(connection_->raw()) == PQTRANS_IDLE; };
  if (connection_->lost() || is_over()) return;
  try {
    connection_->run("ROLLBACK", after(kRollbackDeadline));
  } catch (...) {
    // Below.
  }
  if (!is_over()) connection_->abandon();
}

void PostgresTransaction::run_script(const std::string& script) {
  refuse_if_doomed();
  try {
    const auto result = connection_->run(script, kNever);
    if (!succeeded(*result)) refuse_with_line(script, *result);
    require_success(*result);
    if (PQtransactionStatus(connection_->raw()) != PQTRANS_INTRANS)
      throw TransactionMisuse("the script ended the transaction it ran in");
  } catch (...) {
    doom(std::current_exception());
    throw;
  }
}

pqxx::transaction_base& PostgresTransaction::native() {
  refuse_if_doomed();
  refuse_native_failure();
  return connection_->native().transaction();
}

ResultHandle PostgresTransaction::run(std::string_view sql, std::span<const SqlParam> params) {
  refuse_native_failure();
  const Parameters parameters(params);
  auto result = connection_->run_prepared(sql, parameters);
  require_success(*result);
  return result;
}

void PostgresTransaction::require_success(const PGresult& result) {
  if (succeeded(result)) return;
  // A prepared statement that is gone (DEALLOCATE, DISCARD) or whose result changed: the retry
  // must find a connection without it.
  const auto code = sqlstate_of(result);
  if (code == "26000" || code == "0A000") connection_->retire();
  throw_failure(result, origin(), connection_->lost());
}

void PostgresTransaction::refuse_native_failure() const {
  if (const auto failure = connection_->native_failure()) std::rethrow_exception(failure);
}

}  // namespace kinbox::postgres

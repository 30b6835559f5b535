#include "postgres/transaction.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <utility>

#include "kinbox/errors.hpp"
#include "kinbox/handler_clock.hpp"
#include "postgres/error_classes.hpp"
#include "postgres/result_rows.hpp"

namespace kinbox::postgres {
namespace {

// Enough for a healthy server; with another one, dropping the connection rolls back as well.
constexpr std::chrono::seconds kRollbackDeadline{5};

/// Of a handler whose time is over.
constexpr std::chrono::milliseconds kShortest{1};

constexpr const char* kBegin = "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE";
constexpr const char* kCommit = "COMMIT";
constexpr const char* kStatementTimeout = "SELECT set_config('statement_timeout', $1, true)";
constexpr std::string_view kCancelled = "57014";
constexpr const char* kLockTimeout = "SELECT set_config('lock_timeout', $1, true)";

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
    : connection_(std::move(connection)), dialect_(dialect), pipeline_(*connection_) {}

void PostgresTransaction::begin(std::string_view session, const Options& options) {
  session_ = session;
  lock_timeout_ = options.lock_timeout;
  statement_timeout_ = options.statement_timeout;
  pipeline_.send({.begins = true}, kBegin, {});
  pipeline_.send({.begins = true}, session, {});
}

PostgresTransaction::~PostgresTransaction() { rollback(); }

void PostgresTransaction::do_execute(StatementNumber number, std::string_view sql,
                                     std::span<const SqlParam> params) {
  if (join_set(number, sql, params)) return;
  send(number, sql, params);
  // libpqxx knows no pipeline.
  if (pipeline_.full() || connection_->native_in_use()) await();
}

void PostgresTransaction::do_give_way_after(std::chrono::milliseconds patience) {
  if (patience >= lock_timeout_) return;
  const auto text = std::to_string(patience.count());
  const std::array<SqlParam, 1> params{text};
  pipeline_.send({}, kLockTimeout, params);
  gives_way_ = true;
}

Rows PostgresTransaction::do_query(std::string_view sql, std::span<const SqlParam> params) {
  send(last_statement(), sql, params);
  return rows_from(*await());
}

std::int64_t PostgresTransaction::do_await_affected_rows(StatementNumber number) {
  if (sets_.holds(number)) send_sets();
  if (!pipeline_.answered(number)) await();
  return pipeline_.affected_rows(number);
}

std::exception_ptr PostgresTransaction::do_native_failure() noexcept {
  return connection_->native_failure();
}

Rows PostgresTransaction::do_query_bulk(const BulkStatement& statement,
                                        std::span<const SqlParam> rows, std::size_t columns) {
  if (rows.empty()) return {};
  const ColumnArrays arrays(rows, columns, statement.often_equal);
  send(last_statement(), statement.for_all_rows, arrays.params());
  return rows_from(*await());
}

void PostgresTransaction::do_flush() {
  refuse_native_failure();
  send_sets();
  if (!pipeline_.empty()) await();
}

void PostgresTransaction::do_commit(const std::function<void()>& on_sent) {
  refuse_native_failure();
  connection_->end_native();
  unlimit_native();
  send_sets();
  Pipeline::Answers answers;
  try {
    pipeline_.send_text({}, kCommit);
    pipeline_.flush();
    if (on_sent) on_sent();
    answers = pipeline_.await();
  } catch (const InfrastructureError& error) {
    throw_outcome_unknown(error.what());
  }
  require_commit(answers);
}

void PostgresTransaction::require_commit(const Pipeline::Answers& answers) {
  if (answers.failure && sqlstate_of(*answers.failure->result).empty())
    throw_outcome_unknown("PostgreSQL: " + message_of(*answers.failure->result));
  if (answers.failure) fail(*answers.failure->result, answers.failure->sender);
  const std::string tag = PQcmdStatus(answers.last.get());
  if (tag == "COMMIT") return;
  // No error: this is how PostgreSQL answers COMMIT in an aborted transaction.
  throw SqlError(
      "PostgreSQL answered " + tag + " to COMMIT: a statement had failed, and nothing was stored",
      "25P02");
}

void PostgresTransaction::do_rollback() noexcept {
  connection_->end_native();
  const auto is_over = [&] { return PQtransactionStatus(connection_->raw()) == PQTRANS_IDLE; };
  try {
    // A statement on its way may still fail.
    if (!connection_->lost() && !pipeline_.empty()) pipeline_.await();
    if (!connection_->lost() && !is_over()) connection_->run("ROLLBACK", after(kRollbackDeadline));
  } catch (...) {
    // Below.
  }
  if (!connection_->lost() && !is_over()) connection_->abandon();
}

void PostgresTransaction::run_script(const std::string& script) {
  refuse_if_doomed();
  try {
    if (!pipeline_.empty()) await();
    const auto result = connection_->run(script, kNever);
    if (!succeeded(*result)) {
      refuse_with_line(script, *result);
      fail(*result, {.origin = origin()});
    }
    if (PQtransactionStatus(connection_->raw()) != PQTRANS_INTRANS)
      throw TransactionMisuse("the script ended the transaction it ran in");
  } catch (...) {
    doom(std::current_exception());
    throw;
  }
}

pqxx::transaction_base& PostgresTransaction::native() {
  flush();
  if (std::exchange(gives_way_, false)) {
    // A lock timeout there counts against the event.
    pipeline_.send({}, session_, {});
    await();
  }
  limit_native();
  return connection_->native().transaction();
}

void PostgresTransaction::limit_native() {
  if (clock() == nullptr) return;
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(clock()->deadline() -
                                                                 std::chrono::steady_clock::now());
  // Zero would mean no bound at all.
  const auto text = std::to_string(std::clamp(left, kShortest, statement_timeout_).count());
  const std::array<SqlParam, 1> params{text};
  pipeline_.send({}, kStatementTimeout, params);
  await();
  native_is_limited_ = true;
}

void PostgresTransaction::unlimit_native() {
  if (std::exchange(native_is_limited_, false)) pipeline_.send({}, session_, {});
}

void PostgresTransaction::send(StatementNumber number, std::string_view sql,
                               std::span<const SqlParam> params) {
  refuse_native_failure();
  unlimit_native();
  send_sets();
  const bool first_of_handler = clock() != nullptr && number == last_of_others_ + 1;
  if (one_by_one_ && first_of_handler) pipeline_.push();
  pipeline_.send({number, origin()}, sql, params);
}

bool PostgresTransaction::join_set(StatementNumber number, std::string_view sql,
                                   std::span<const SqlParam> params) {
  if (one_by_one_ || origin() != Origin::kHandler || connection_->native_in_use()) return false;
  const auto* form = form_of(number, sql);
  if (form == nullptr || !InsertSets::fits(*form, params)) return false;
  if (sets_.full() || sets_.stands_behind_others(*form)) send_sets();
  sets_.hold(*form, number, params);
  return true;
}

const SetInsert* PostgresTransaction::form_of(StatementNumber number, std::string_view sql) {
  auto& forms = connection_->insert_forms();
  if (const auto* known = forms.find(sql)) return known->has_value() ? &**known : nullptr;
  if (forms.full()) return nullptr;
  const auto& form = forms.add(sql, ask_for_form(number, sql));
  return form ? &*form : nullptr;
}

std::optional<SetInsert> PostgresTransaction::ask_for_form(StatementNumber number,
                                                           std::string_view sql) {
  const auto insert = parse_plain_insert(sql);
  if (!insert) return std::nullopt;
  const auto name = pipeline_.prepare({number, origin()}, sql);
  const std::array<SqlParam, 2> params{name, insert->table};
  // Without the number: the answer is not the statement's, which has yet to be sent.
  pipeline_.send({.origin = Origin::kFramework}, kInsertForm, params);
  return set_insert_from(*insert, rows_from(*await()));
}

void PostgresTransaction::send_sets() {
  if (sets_.empty()) return;
  for (const auto& set : sets_.take()) {
    const std::vector<SqlParam> arrays(set.arrays.begin(), set.arrays.end());
    pipeline_.send({set.rows == 1 ? set.number : kOneOfSeveral, Origin::kHandler}, set.form->text,
                   arrays);
  }
  // The server inserts these while the handlers of the batch's other events run.
  pipeline_.push();
  if (pipeline_.full()) await();
}

ResultHandle PostgresTransaction::await() {
  auto answers = pipeline_.await(limit());
  if (answers.cancelled) fail_late(answers);
  if (answers.failure) fail(*answers.failure->result, answers.failure->sender);
  connection_->resume_native();
  return std::move(answers.last);
}

std::optional<Pipeline::Limit> PostgresTransaction::limit() const {
  if (clock() == nullptr) return std::nullopt;
  return Pipeline::Limit{*clock(), last_of_others_};
}

/// Also when the statement was done before it could be cancelled.
void PostgresTransaction::fail_late(const Pipeline::Answers& answers) {
  // Whatever becomes of the request to cancel, it finds no other transaction here.
  connection_->retire();
  const auto& failure = answers.failure;
  if (failure && sqlstate_of(*failure->result) != kCancelled)
    fail(*failure->result, failure->sender);
  HandlerTimeout error("PostgreSQL: cancelled when the handler's time was over (" +
                       std::to_string(clock()->limit().count()) + "ms)");
  // Run again, one by one, each event's statements travel alone.
  if (answers.mixed)
    error.blame(kOneOfSeveral);
  else if (failure)
    error.blame(failure->sender.number);
  throw error;
}

void PostgresTransaction::fail(const PGresult& result, Pipeline::Sender sender) {
  if (is_copy(result)) throw SqlError("COPY needs kinbox::postgres::native()", "0A000");
  if (sender.begins) {
    connection_->abandon();
    throw InfrastructureError("PostgreSQL: cannot begin a transaction: " + message_of(result));
  }
  if (gives_way_ && sqlstate_of(result) == "55P03")
    throw DeadlockError("PostgreSQL: gave way to whoever keeps a lock (SQLSTATE 55P03)");
  // A prepared statement that is gone (DEALLOCATE, DISCARD) or whose result changed: the retry
  // must find a connection without it.
  const auto code = sqlstate_of(result);
  if (code == "26000" || code == "0A000") connection_->retire();
  try {
    throw_failure(result, sender.origin, connection_->lost());
  } catch (SqlError& error) {
    error.blame(sender.number);
    throw;
  }
}

void PostgresTransaction::refuse_native_failure() const {
  if (const auto failure = connection_->native_failure()) std::rethrow_exception(failure);
}

}  // namespace kinbox::postgres

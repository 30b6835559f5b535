#include "kinbox/transaction.hpp"

#include "core/transaction_control.hpp"

namespace kinbox {

void Transaction::refuse_if_doomed() const {
  if (failure_) std::rethrow_exception(failure_);
}

void Transaction::doom(std::exception_ptr failure) noexcept {
  if (!failure_) failure_ = std::move(failure);
}

/// Runs `call` as statement `number`; what it throws dooms the transaction.
template <typename Call>
auto Transaction::guarded(StatementNumber number, Call call) {
  refuse_if_doomed();
  try {
    return call();
  } catch (SqlError& error) {
    if (error.statement() == 0) error.blame(number);
    doom(std::current_exception());
    throw;
  } catch (...) {
    doom(std::current_exception());
    throw;
  }
}

StatementNumber Transaction::run_execute(std::string_view sql, std::span<const SqlParam> params) {
  const auto number = ++last_statement_;
  guarded(number, [&] {
    refuse_transaction_control(sql);
    do_execute(number, sql, params);
  });
  return number;
}

Rows Transaction::run_query(std::string_view sql, std::span<const SqlParam> params) {
  const auto number = ++last_statement_;
  return guarded(number, [&] {
    refuse_transaction_control(sql);
    return do_query(sql, params);
  });
}

std::int64_t Transaction::await_affected_rows(StatementNumber number) {
  return guarded(number, [&] { return do_await_affected_rows(number); });
}

Rows OpenTransaction::query_bulk(const BulkStatement& statement, std::span<const SqlParam> rows,
                                 std::size_t columns) {
  const auto number = ++last_statement_;
  return guarded(number, [&] { return do_query_bulk(statement, rows, columns); });
}

void OpenTransaction::set_origin(Origin origin) {
  const bool ends_event = origin_ == Origin::kHandler && origin == Origin::kFramework;
  origin_ = origin;
  if (ends_event) do_end_event();
}

void OpenTransaction::set_handling(const Handling& handling) {
  handling_ = handling;
  emitted_ = 0;
}

std::exception_ptr OpenTransaction::known_failure() noexcept {
  if (!failure())
    if (auto native = do_native_failure()) doom(std::move(native));
  return failure();
}

void OpenTransaction::flush() {
  guarded(0, [&] { do_flush(); });
}

void OpenTransaction::commit(const std::function<void()>& on_sent) {
  if (over_) throw TransactionMisuse("commit() on a transaction that is over");
  try {
    refuse_if_doomed();
    notify_relays();
    do_commit(on_sent);
    over_ = true;
    doom(std::make_exception_ptr(TransactionMisuse("the transaction is committed already")));
  } catch (...) {
    doom(std::current_exception());
    rollback();
    throw;
  }
}

void OpenTransaction::notify_relays() {
  // Delivered when the transaction commits. It travels with COMMIT, and costs nothing but that
  // PostgreSQL lets transactions that notify commit one after another.
  if (outbox_rows_ > 0 && dialect().backend() == Backend::kPostgres)
    execute("SELECT pg_notify('kinbox_outbox', $1)", dialect().schema());
}

void OpenTransaction::rollback() noexcept {
  if (over_) return;
  over_ = true;
  doom(std::make_exception_ptr(TransactionMisuse("the transaction is rolled back already")));
  do_rollback();
}

}  // namespace kinbox

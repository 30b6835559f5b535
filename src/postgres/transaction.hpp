#pragma once

#include <chrono>
#include <memory>

#include "kinbox/transaction.hpp"
#include "postgres/connection.hpp"
#include "postgres/insert_sets.hpp"
#include "postgres/pipeline.hpp"

namespace kinbox::postgres {

/// A transaction on one connection. Statements are pipelined: their answers are awaited when
/// somebody reads them, with the next query, or with COMMIT. So is BEGIN's.
class PostgresTransaction final : public OpenTransaction {
 public:
  /// The connection is shared with the Database, which may drop it for a new one before this dies.
  PostgresTransaction(std::shared_ptr<Connection> connection, const Dialect& dialect);
  ~PostgresTransaction() override;

  /// BEGIN, and `session` behind it, which sets the transaction up with the timeouts of `options`.
  /// Before all else. `session` outlives this.
  void begin(std::string_view session, const Options& options);

  const Dialect& dialect() const override { return dialect_; }
  pqxx::transaction_base& native();
  /// Several statements, no parameters, no time limit.
  void run_script(const std::string& script);

 protected:
  void do_execute(StatementNumber number, std::string_view sql,
                  std::span<const SqlParam> params) override;
  void do_give_way_after(std::chrono::milliseconds patience) override;
  Rows do_query(std::string_view sql, std::span<const SqlParam> params) override;
  std::int64_t do_await_affected_rows(StatementNumber number) override;
  std::exception_ptr do_native_failure() noexcept override;
  Rows do_query_bulk(const BulkStatement& statement, std::span<const SqlParam> rows,
                     std::size_t columns) override;
  void do_end_event() override { sets_.join(); }
  void do_limit_waits() override { last_of_others_ = last_statement(); }
  void do_send_one_by_one() override { one_by_one_ = true; }
  void do_flush() override;
  void do_commit(const std::function<void()>& on_sent) override;
  void do_rollback() noexcept override;

 private:
  void send(StatementNumber number, std::string_view sql, std::span<const SqlParam> params);
  /// Keeps the statement to be sent with others like it; false if it must go alone.
  bool join_set(StatementNumber number, std::string_view sql, std::span<const SqlParam> params);
  const SetInsert* form_of(StatementNumber number, std::string_view sql);
  std::optional<SetInsert> ask_for_form(StatementNumber number, std::string_view sql);
  void send_sets();
  /// The answer to the statement sent last, when all have come.
  ResultHandle await();
  std::optional<Pipeline::Limit> limit() const;
  [[noreturn]] void fail_late(const Pipeline::Answers& answers);
  /// Statements through libpqxx take no longer than the handler may, or as long as ever again.
  void limit_native();
  void unlimit_native();
  [[noreturn]] void fail(const PGresult& result, Pipeline::Sender sender);
  void refuse_native_failure() const;
  void require_commit(const Pipeline::Answers& answers);

  std::shared_ptr<Connection> connection_;
  const Dialect& dialect_;
  Pipeline pipeline_;
  InsertSets sets_;
  bool one_by_one_ = false;
  std::string_view session_;
  std::chrono::milliseconds lock_timeout_{0};
  std::chrono::milliseconds statement_timeout_{0};
  bool gives_way_ = false;
  /// The statement before the handler's first.
  StatementNumber last_of_others_ = 0;
  bool native_is_limited_ = false;
};

}  // namespace kinbox::postgres

#pragma once

#include <memory>
#include <vector>

#include "kinbox/transaction.hpp"
#include "postgres/connection.hpp"

namespace kinbox::postgres {

/// A transaction that has begun on `connection`.
class PostgresTransaction final : public OpenTransaction {
 public:
  /// The connection is shared with the Database, which may drop it for a new one before this dies.
  PostgresTransaction(std::shared_ptr<Connection> connection, const Dialect& dialect);
  ~PostgresTransaction() override;

  const Dialect& dialect() const override { return dialect_; }
  pqxx::transaction_base& native();
  /// Several statements, no parameters, no time limit.
  void run_script(const std::string& script);

 protected:
  void do_execute(StatementNumber number, std::string_view sql,
                  std::span<const SqlParam> params) override;
  Rows do_query(std::string_view sql, std::span<const SqlParam> params) override;
  std::int64_t do_await_affected_rows(StatementNumber number) override;
  std::exception_ptr do_native_failure() noexcept override;
  Rows do_query_bulk(const BulkStatement& statement, std::span<const SqlParam> rows,
                     std::size_t columns) override;
  void do_flush() override;
  void do_commit(const std::function<void()>& on_sent) override;
  void do_rollback() noexcept override;

 private:
  ResultHandle run(std::string_view sql, std::span<const SqlParam> params);
  void require_success(const PGresult& result);
  void refuse_native_failure() const;
  void require_commit(PGresult& result);

  std::shared_ptr<Connection> connection_;
  const Dialect& dialect_;
  /// By statement number; statements that were not `execute` have 0.
  std::vector<std::int64_t> affected_;
};

}  // namespace kinbox::postgres

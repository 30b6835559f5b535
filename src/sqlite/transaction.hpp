#pragma once

#include <memory>
#include <string>
#include <vector>

#include "kinbox/transaction.hpp"
#include "sqlite/connection.hpp"
#include "sqlite/writer_gate.hpp"

namespace kinbox::sqlite {

/// A transaction between BEGIN IMMEDIATE and COMMIT, holding the writer's turn.
///
/// SQLite ends a transaction by itself when the disk is full, on RAISE(ROLLBACK) and on OR
/// ROLLBACK; a statement after that would commit alone, without inbox row. So every call looks
/// whether the transaction is still there.
class SqliteTransaction final : public OpenTransaction {
 public:
  /// `connection` has just begun it.
  SqliteTransaction(std::shared_ptr<Connection> connection, WriterGate::Turn turn, Dialect dialect);
  ~SqliteTransaction() override { rollback(); }

  const Dialect& dialect() const override { return dialect_; }
  SQLite::Database& native() { return connection_->native(); }

  /// What it throws dooms the transaction.
  void run_script(const std::string& script);

 protected:
  void do_execute(StatementNumber number, std::string_view sql,
                  std::span<const SqlParam> params) override;
  Rows do_query(std::string_view sql, std::span<const SqlParam> params) override;
  std::int64_t do_await_affected_rows(StatementNumber number) override;
  std::exception_ptr do_native_failure() noexcept override;
  Rows do_query_bulk(const BulkStatement& statement, std::span<const SqlParam> rows,
                     std::size_t columns) override;
  void do_limit_waits() override;
  void do_flush() override { refuse_if_over(); }
  void do_commit(const std::function<void()>& on_sent) override;
  void do_rollback() noexcept override;

 private:
  /// Why SQLite has ended the transaction; null while it has not.
  std::exception_ptr silent_end() const;
  void refuse_if_over() const;
  Rows check_file(std::string_view sql);
  template <typename Call>
  void inside(Call call);

  std::shared_ptr<Connection> connection_;
  WriterGate::Turn turn_;
  Dialect dialect_;
  /// By statement number.
  std::vector<std::int64_t> affected_rows_;
};

}  // namespace kinbox::sqlite

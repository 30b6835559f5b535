#pragma once

#include <libpq-fe.h>

#include <exception>
#include <memory>

namespace pqxx {
class transaction_base;
}

namespace kinbox::postgres {

/// A libpqxx connection over a libpq connection that somebody else owns, and an eye on what happens
/// through it: libpqxx tells its caller about errors, and a handler may swallow them.
class NativeConnection {
 public:
  /// `connection` must be open, and outlive this.
  explicit NativeConnection(PGconn* connection);
  NativeConnection(const NativeConnection&) = delete;
  NativeConnection& operator=(const NativeConnection&) = delete;
  ~NativeConnection();

  /// The open transaction; the same handle until `end`.
  pqxx::transaction_base& transaction();
  /// The transaction is over: handles and failures are forgotten.
  void end() noexcept;

  /// Somebody holds the handle.
  bool in_use() const noexcept;

  /// Off at first, after `end`, and while kinbox's own statements run.
  void watch(bool on) noexcept;

  /// The first thing that went wrong while watching: InfrastructureError, SqlError or
  /// TransactionMisuse.
  std::exception_ptr failure() const;

 private:
  struct Watcher;
  struct Shared;
  PGconn* connection_;
  std::unique_ptr<Watcher> watcher_;
  std::unique_ptr<Shared> shared_;
};

}  // namespace kinbox::postgres

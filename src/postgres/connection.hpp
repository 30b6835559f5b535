#pragma once

#include <chrono>
#include <exception>
#include <memory>
#include <string>
#include <string_view>

#include "kinbox/postgres/database.hpp"
#include "postgres/handles.hpp"
#include "postgres/native_connection.hpp"
#include "postgres/parameters.hpp"
#include "postgres/statement_cache.hpp"
#include "postgres/wait.hpp"

namespace kinbox::postgres {

/// One libpq connection that never waits past a deadline.
///
/// kinbox's own statements go through libpq itself: deadlines, SQLSTATE, COMMIT's command tag and,
/// later, the pipeline live there, and libpqxx 6.4 hides them (its commit() even stays silent when
/// PostgreSQL answers ROLLBACK). libpqxx shares the connection for handlers that ask for it.
///
/// What the server answers is returned, errors included: the caller knows whose statement it was.
/// Without an answer InfrastructureError is thrown, and the connection is lost for good.
class Connection {
 public:
  /// Connects, and sets the session up. Throws InfrastructureError.
  explicit Connection(const Options& options);
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;
  ~Connection();

  /// Runs one or several statements by the simple protocol, within the call deadline unless told
  /// otherwise. Returns the first result that failed, else the last.
  ResultHandle run(const std::string& sql);
  ResultHandle run(const std::string& sql, Deadline deadline);

  /// Runs one statement as a prepared one, preparing it where it is new to this connection.
  ResultHandle run_prepared(std::string_view sql, const Parameters& parameters);

  /// `run` in two halves: when `start` returns, the statement is on its way.
  void start(const std::string& sql, Deadline deadline);
  ResultHandle finish(Deadline deadline);

  /// The server process that serves this session, from the server itself: a proxy may have told
  /// libpq another number.
  const std::string& backend_pid() const { return backend_pid_; }

  PGconn* raw() const { return handle_.get(); }
  Deadline call_deadline() const { return after(call_deadline_); }

  /// No statement will run here any more.
  bool lost() const;
  /// Shuts the socket: the server rolls back. libpq's object stays until the destructor, because
  /// libpqxx may still look at it.
  void abandon() noexcept;
  /// Serve the open transaction to its end, and no other.
  void retire() noexcept { retired_ = true; }
  bool usable() const { return !retired_ && !lost(); }

  /// libpqxx's view of this connection, made when first asked for.
  NativeConnection& native();
  /// What a handler did to the transaction through it; null when nothing wrong, or never asked for.
  std::exception_ptr native_failure() const;
  /// The transaction is over, and so are libpqxx's handles to it.
  void end_native() noexcept;

 private:
  ResultHandle prepare(std::string_view sql, const std::string& name);
  void before_send();
  void finish_native_statement();
  void sent(int accepted, Deadline deadline);
  void flush(Deadline deadline);
  ResultHandle next_result(Deadline deadline);
  short wait(short events, Deadline deadline);
  void refuse_copy(const PGresult& result);

  std::chrono::milliseconds call_deadline_;
  ConnectionHandle handle_;
  StatementCache statements_;
  std::string backend_pid_;
  bool abandoned_ = false;
  bool retired_ = false;
  /// After handle_, so that libpqxx lets go before libpq closes.
  std::unique_ptr<NativeConnection> native_;
};

/// Whether the statement did what it was asked to.
bool succeeded(const PGresult& result);

}  // namespace kinbox::postgres

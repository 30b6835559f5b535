#pragma once

#include <chrono>
#include <exception>
#include <memory>
#include <string>
#include <string_view>

#include "kinbox/postgres/database.hpp"
#include "postgres/handles.hpp"
#include "postgres/insert_forms.hpp"
#include "postgres/native_connection.hpp"
#include "postgres/parameters.hpp"
#include "postgres/statement_cache.hpp"
#include "postgres/wait.hpp"

namespace kinbox::postgres {

/// One libpq connection that never waits past a deadline.
///
/// kinbox's own statements go through libpq itself: deadlines, SQLSTATE, COMMIT's command tag and
/// the pipeline live there, and libpqxx 6.4 hides them (its commit() even stays silent when
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

  /// Pipeline mode: what is queued is sent when libpq's buffer is full, `push` or `flush` is
  /// called; results come in order, a null one after each statement's last. Between `queue_sync`
  /// and its result nothing but `queue` calls may be made.
  void queue(const char* sql);
  void queue_prepare(const std::string& name, const std::string& sql);
  void queue_prepared(const std::string& name, const Parameters& parameters);
  void queue_sync();
  /// Sends what the socket takes without waiting.
  void push();
  /// Sends all of it.
  void flush(Deadline deadline);
  /// Waits for the next result of what was sent.
  ResultHandle next_result(Deadline deadline);
  /// False when `deadline` passes before there is one. The connection stays as it is.
  bool has_result_by(Deadline deadline);
  StatementCache& statements() { return statements_; }
  InsertForms& insert_forms() { return insert_forms_; }

  /// The server process that serves this session, from the server itself: a proxy may have told
  /// libpq another number.
  const std::string& backend_pid() const { return backend_pid_; }

  /// What another session runs to end this one, should the server have not noticed that we are
  /// gone; empty where that might end somebody else's.
  const std::string& how_to_end() const { return how_to_end_; }

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

  /// LISTEN was run here; it lasts as long as the connection.
  void note_listening() noexcept { listening_ = true; }
  bool listening() const noexcept { return listening_; }

  /// libpqxx's view of this connection, made when first asked for. Nothing may be queued.
  NativeConnection& native();
  /// libpqxx may be in use until `end_native`.
  bool native_in_use() const { return native_ && native_->in_use(); }
  /// After kinbox's own statements, when libpqxx may go on.
  void resume_native();
  /// What a handler did to the transaction through it; null when nothing wrong, or never asked for.
  std::exception_ptr native_failure() const;
  /// The transaction is over, and so are libpqxx's handles to it.
  void end_native() noexcept;

 private:
  enum class Mode { kSimple, kPipeline };
  void before_send(Mode mode);
  void finish_native_statement();
  void enter(Mode mode);
  void require_accepted(int accepted);
  ResultHandle finish(Deadline deadline);
  short wait(short events, Deadline deadline);
  void refuse_copy(const PGresult& result);

  std::chrono::milliseconds call_deadline_;
  ConnectionHandle handle_;
  StatementCache statements_;
  InsertForms insert_forms_;
  std::string backend_pid_;
  std::string how_to_end_;
  bool abandoned_ = false;
  bool retired_ = false;
  bool listening_ = false;
  /// After handle_, so that libpqxx lets go before libpq closes.
  std::unique_ptr<NativeConnection> native_;
};

/// Whether the statement did what it was asked to.
bool succeeded(const PGresult& result);
/// Whether it began a COPY.
bool is_copy(const PGresult& result);

}  // namespace kinbox::postgres

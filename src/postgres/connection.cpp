#include "postgres/connection.hpp"

#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <limits>

#include "kinbox/errors.hpp"
#include "postgres/connect.hpp"
#include "postgres/error_classes.hpp"

namespace kinbox::postgres {
namespace {

// Results are read as text, so the session decides how they are written. Keepalives: a machine that
// vanishes while the server waits for the rest of some statements would keep its locks for hours.
constexpr std::string_view kSession =
    "SET client_encoding = 'UTF8'; SET TimeZone = 'UTC'; SET DateStyle = 'ISO, YMD'; "
    "SET tcp_keepalives_idle = 30; SET tcp_keepalives_interval = 10; SET tcp_keepalives_count = 3; "
    "SET IntervalStyle = 'postgres'; SET bytea_output = 'hex'; SET extra_float_digits = 3; "
    "SET standard_conforming_strings = on; SELECT pg_backend_pid(), "
    "(SELECT backend_start FROM pg_stat_activity WHERE pid = pg_backend_pid())";

/// While the server waits for a client that does not read, no timeout of its own runs; TCP's does.
/// Without an effect on a Unix-domain socket.
std::string set_tcp_user_timeout(std::chrono::milliseconds timeout) {
  constexpr std::chrono::milliseconds kLongest{std::numeric_limits<int>::max()};
  return "SET tcp_user_timeout = " + std::to_string(std::min(timeout, kLongest).count()) + "; ";
}

}  // namespace

bool succeeded(const PGresult& result) {
  const auto status = PQresultStatus(&result);
  return status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK || status == PGRES_EMPTY_QUERY;
}

bool is_copy(const PGresult& result) {
  const auto status = PQresultStatus(&result);
  return status == PGRES_COPY_IN || status == PGRES_COPY_OUT || status == PGRES_COPY_BOTH;
}

Connection::Connection(const Options& options)
    : call_deadline_(options.call_deadline),
      handle_(connect(options)),
      statements_(options.max_prepared_statements),
      insert_forms_(options.coalesce_inserts ? options.max_prepared_statements : 0) {
  const auto result =
      run(set_tcp_user_timeout(options.idle_in_transaction_session_timeout) + std::string(kSession),
          after(options.connect_timeout));
  if (!succeeded(*result))
    throw InfrastructureError("cannot set up the PostgreSQL session: " + message_of(*result));
  backend_pid_ = PQgetvalue(result.get(), 0, 0);
  // Behind a proxy the server process may serve somebody else when we are gone.
  if (backend_pid_ == std::to_string(PQbackendPID(raw())))
    how_to_end_ =
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid = " + backend_pid_ +
        " AND backend_start = '" + PQgetvalue(result.get(), 0, 1) + "'";
}

Connection::~Connection() = default;

ResultHandle Connection::run(const std::string& sql) { return run(sql, call_deadline()); }

ResultHandle Connection::run(const std::string& sql, Deadline deadline) {
  before_send(Mode::kSimple);
  require_accepted(PQsendQuery(raw(), sql.c_str()));
  flush(deadline);
  return finish(deadline);
}

ResultHandle Connection::finish(Deadline deadline) {
  ResultHandle kept;
  while (auto result = next_result(deadline)) {
    refuse_copy(*result);
    if (!kept || succeeded(*kept)) kept = std::move(result);
  }
  if (native_in_use()) native_->watch(true);
  if (!kept) {
    abandon();
    throw InfrastructureError("PostgreSQL: the connection closed without an answer");
  }
  return kept;
}

void Connection::queue(const char* sql) {
  before_send(Mode::kPipeline);
  require_accepted(PQsendQueryParams(raw(), sql, 0, nullptr, nullptr, nullptr, nullptr, 0));
}

void Connection::queue_prepare(const std::string& name, const std::string& sql) {
  before_send(Mode::kPipeline);
  require_accepted(PQsendPrepare(raw(), name.c_str(), sql.c_str(), 0, nullptr));
}

void Connection::queue_prepared(const std::string& name, const Parameters& parameters) {
  before_send(Mode::kPipeline);
  require_accepted(PQsendQueryPrepared(raw(), name.c_str(), parameters.count(), parameters.values(),
                                       parameters.lengths(), parameters.formats(), 0));
}

void Connection::queue_sync() { require_accepted(PQpipelineSync(raw())); }

void Connection::push() { PQflush(raw()); }

bool Connection::lost() const { return abandoned_ || PQstatus(raw()) != CONNECTION_OK; }

void Connection::abandon() noexcept {
  abandoned_ = true;
  if (PQsocket(raw()) >= 0) shutdown(PQsocket(raw()), SHUT_RDWR);
}

NativeConnection& Connection::native() {
  enter(Mode::kSimple);
  if (!native_) native_ = std::make_unique<NativeConnection>(raw());
  native_->watch(true);
  // A COPY through libpqxx must wait for a slow server; non-blocking, it would fill our memory.
  PQsetnonblocking(raw(), 0);
  return *native_;
}

void Connection::resume_native() {
  if (!native_in_use()) return;
  enter(Mode::kSimple);
  native_->watch(true);
}

std::exception_ptr Connection::native_failure() const {
  return native_ ? native_->failure() : nullptr;
}

void Connection::end_native() noexcept {
  if (native_) native_->end();
}

void Connection::before_send(Mode mode) {
  if (lost()) throw InfrastructureError("PostgreSQL: the connection is lost");
  if (native_in_use() && PQpipelineStatus(raw()) == PQ_PIPELINE_OFF) {
    native_->watch(false);
    finish_native_statement();
  }
  enter(mode);
}

void Connection::enter(Mode mode) {
  PQsetnonblocking(raw(), 1);
  const bool on = PQpipelineStatus(raw()) != PQ_PIPELINE_OFF;
  if (on == (mode == Mode::kPipeline)) return;
  // Refused while a COPY is open that a handler left behind in libpqxx.
  require_accepted(on ? PQexitPipelineMode(raw()) : PQenterPipelineMode(raw()));
}

void Connection::finish_native_statement() {
  // libpqxx leaves the end of a COPY unread. One that is still open shows as such for ever; then
  // the statement is refused.
  const auto deadline = call_deadline();
  while (const auto left = next_result(deadline))
    if (is_copy(*left)) return;
}

void Connection::require_accepted(int accepted) {
  if (accepted == 1) return;
  if (native_in_use()) native_->watch(true);
  const std::string why = PQerrorMessage(raw());
  if (PQstatus(raw()) != CONNECTION_OK) throw InfrastructureError("PostgreSQL: " + why);
  // libpq itself refuses: too many arguments, or a COPY that a handler left open in libpqxx.
  throw SqlError("libpq refused the statement: " + why, "kinbox_send");
}

void Connection::flush(Deadline deadline) {
  // A failed write is reported when the answer is read: the server may have said why.
  while (PQflush(raw()) == 1)
    if ((wait(POLLIN | POLLOUT, deadline) & POLLIN) != 0) PQconsumeInput(raw());
}

ResultHandle Connection::next_result(Deadline deadline) {
  while (PQisBusy(raw()) != 0) {
    wait(POLLIN, deadline);
    if (PQconsumeInput(raw()) == 0) break;
  }
  return ResultHandle(PQgetResult(raw()));
}

bool Connection::has_result_by(Deadline deadline) {
  while (PQisBusy(raw()) != 0) {
    if (wait_for(PQsocket(raw()), POLLIN, deadline) == 0) return false;
    if (PQconsumeInput(raw()) == 0) break;
  }
  return true;
}

short Connection::wait(short events, Deadline deadline) {
  const short ready = wait_for(PQsocket(raw()), events, deadline);
  if (ready != 0) return ready;
  abandon();
  throw InfrastructureError("PostgreSQL: no answer from " + std::string(PQhost(raw())) + ":" +
                            PQport(raw()) + " in time; connection dropped");
}

void Connection::refuse_copy(const PGresult& result) {
  // Only data would get the connection out of this state; the rollback will drop it.
  if (is_copy(result)) throw SqlError("COPY needs kinbox::postgres::native()", "0A000");
}

}  // namespace kinbox::postgres

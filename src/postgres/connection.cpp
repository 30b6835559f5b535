#include "postgres/connection.hpp"

#include <poll.h>
#include <sys/socket.h>

#include "kinbox/errors.hpp"
#include "postgres/connect.hpp"
#include "postgres/error_classes.hpp"

namespace kinbox::postgres {
namespace {

// Results are read as text, so the session decides how they are written.
constexpr const char* kSession =
    "SET client_encoding = 'UTF8'; SET TimeZone = 'UTC'; SET DateStyle = 'ISO, YMD'; "
    "SET IntervalStyle = 'postgres'; SET bytea_output = 'hex'; SET extra_float_digits = 3; "
    "SET standard_conforming_strings = on; SELECT pg_backend_pid()";

bool is_copy(const PGresult& result) {
  const auto status = PQresultStatus(&result);
  return status == PGRES_COPY_IN || status == PGRES_COPY_OUT || status == PGRES_COPY_BOTH;
}

}  // namespace

bool succeeded(const PGresult& result) {
  const auto status = PQresultStatus(&result);
  return status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK || status == PGRES_EMPTY_QUERY;
}

Connection::Connection(const Options& options)
    : call_deadline_(options.call_deadline),
      handle_(connect(options)),
      statements_(options.max_prepared_statements) {
  const auto result = run(kSession, after(options.connect_timeout));
  if (!succeeded(*result))
    throw InfrastructureError("cannot set up the PostgreSQL session: " + message_of(*result));
  backend_pid_ = PQgetvalue(result.get(), 0, 0);
}

Connection::~Connection() = default;

ResultHandle Connection::run(const std::string& sql) { return run(sql, call_deadline()); }

ResultHandle Connection::run(const std::string& sql, Deadline deadline) {
  start(sql, deadline);
  return finish(deadline);
}

void Connection::start(const std::string& sql, Deadline deadline) {
  before_send();
  sent(PQsendQuery(raw(), sql.c_str()), deadline);
}

ResultHandle Connection::run_prepared(std::string_view sql, const Parameters& parameters) {
  const auto* name = statements_.find(sql);
  if (name == nullptr) {
    if (const auto oldest = statements_.make_room())
      if (auto result = run("DEALLOCATE " + *oldest); !succeeded(*result)) return result;
    const auto new_name = statements_.next_name();
    if (auto result = prepare(sql, new_name); !succeeded(*result)) return result;
    statements_.add(sql, new_name);
    name = statements_.find(sql);
  }
  const auto deadline = call_deadline();
  before_send();
  sent(PQsendQueryPrepared(raw(), name->c_str(), parameters.count(), parameters.values(),
                           parameters.lengths(), parameters.formats(), 0),
       deadline);
  return finish(deadline);
}

ResultHandle Connection::prepare(std::string_view sql, const std::string& name) {
  const auto deadline = call_deadline();
  before_send();
  sent(PQsendPrepare(raw(), name.c_str(), std::string(sql).c_str(), 0, nullptr), deadline);
  return finish(deadline);
}

ResultHandle Connection::finish(Deadline deadline) {
  ResultHandle kept;
  while (auto result = next_result(deadline)) {
    refuse_copy(*result);
    if (!kept || succeeded(*kept)) kept = std::move(result);
  }
  if (native_) native_->watch(true);
  if (!kept) {
    abandon();
    throw InfrastructureError("PostgreSQL: the connection closed without an answer");
  }
  return kept;
}

bool Connection::lost() const { return abandoned_ || PQstatus(raw()) != CONNECTION_OK; }

void Connection::abandon() noexcept {
  abandoned_ = true;
  if (PQsocket(raw()) >= 0) shutdown(PQsocket(raw()), SHUT_RDWR);
}

NativeConnection& Connection::native() {
  if (!native_) native_ = std::make_unique<NativeConnection>(raw());
  // libpqxx's COPY takes a full send buffer for an error.
  PQsetnonblocking(raw(), 0);
  return *native_;
}

std::exception_ptr Connection::native_failure() const {
  return native_ ? native_->failure() : nullptr;
}

void Connection::end_native() noexcept {
  if (native_) native_->end();
}

void Connection::before_send() {
  if (lost()) throw InfrastructureError("PostgreSQL: the connection is lost");
  PQsetnonblocking(raw(), 1);
  if (!native_) return;
  native_->watch(false);
  finish_native_statement();
}

void Connection::finish_native_statement() {
  // libpqxx leaves the end of a COPY unread. One that is still open shows as such for ever; then
  // the statement is refused.
  const auto deadline = call_deadline();
  while (const auto left = next_result(deadline))
    if (is_copy(*left)) return;
}

void Connection::sent(int accepted, Deadline deadline) {
  if (accepted == 1) return flush(deadline);
  if (native_) native_->watch(true);
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

short Connection::wait(short events, Deadline deadline) {
  const short ready = wait_for(PQsocket(raw()), events, deadline);
  if (ready != 0) return ready;
  abandon();
  throw InfrastructureError("PostgreSQL: no answer from " + std::string(PQhost(raw())) + ":" +
                            PQport(raw()) + " in time; connection dropped");
}

void Connection::refuse_copy(const PGresult& result) {
  if (!is_copy(result)) return;
  // Only its data would get the connection out of this state.
  abandon();
  throw SqlError("COPY needs kinbox::postgres::native()", "0A000");
}

}  // namespace kinbox::postgres

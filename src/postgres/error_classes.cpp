#include "postgres/error_classes.hpp"

#include <array>

#include "kinbox/errors.hpp"

namespace kinbox::postgres {
namespace {

struct Row {
  /// A class (two characters) or one code (five).
  std::string_view prefix;
  Fault from_handler;
  Fault from_framework;
};

constexpr auto kServer = Fault::kInfrastructure;
constexpr auto kGuilty = Fault::kStatement;

// First match wins; what is not listed is the statement's fault. A timeout in kinbox's own
// statement means that others hold the row or that the server is slow: no event did that.
constexpr std::array<Row, 14> kTable{{
    {"08P01", kGuilty, kGuilty},  // the call passed too few or too many arguments
    {"08", kServer, kServer},     // connection exception
    {"57P01", kServer, kServer},  // admin shutdown, pg_terminate_backend
    {"57P02", kServer, kServer},  // crash shutdown
    {"57P03", kServer, kServer},  // cannot connect now
    {"57P04", kServer, kServer},  // database dropped
    {"57P05", kServer, kServer},  // idle session timeout
    {"53", kServer, kServer},     // insufficient resources: disk full, out of memory, connections
    {"58", kServer, kServer},     // system error outside PostgreSQL: I/O
    {"40", kServer, kServer},     // deadlock, serialization failure
    {"55P03", kGuilty, kServer},  // lock timeout, NOWAIT
    {"57014", kGuilty, kServer},  // statement timeout, cancelled
    {"25P03", kGuilty, kServer},  // sat in the transaction
    {"25P04", kGuilty, kServer},  // transaction timeout (PostgreSQL 17)
}};

std::string field(const PGresult& result, int code) {
  const char* text = PQresultErrorField(&result, code);
  return text == nullptr ? std::string{} : text;
}

/// The text of errors that libpq makes itself ends with a line feed.
std::string without_trailing_space(std::string text) {
  while (!text.empty() && (text.back() == '\n' || text.back() == ' ')) text.pop_back();
  return text;
}

/// A migration changed a table under a prepared statement: the next connection has a new plan.
bool is_stale_plan(const PGresult& failure) {
  return sqlstate_of(failure) == "0A000" &&
         field(failure, PG_DIAG_SOURCE_FUNCTION) == "RevalidateCachedQuery";
}

}  // namespace

Fault fault_of(std::string_view sqlstate, OpenTransaction::Origin origin) {
  for (const auto& row : kTable)
    if (sqlstate.starts_with(row.prefix))
      return origin == OpenTransaction::Origin::kHandler ? row.from_handler : row.from_framework;
  return Fault::kStatement;
}

std::string sqlstate_of(const PGresult& failure) { return field(failure, PG_DIAG_SQLSTATE); }

std::string message_of(const PGresult& failure) {
  const auto primary = field(failure, PG_DIAG_MESSAGE_PRIMARY);
  return primary.empty() ? without_trailing_space(PQresultErrorMessage(&failure)) : primary;
}

void throw_failure(const PGresult& failure, OpenTransaction::Origin origin, bool connection_lost) {
  const auto code = sqlstate_of(failure);
  if (code.empty()) throw InfrastructureError("PostgreSQL: " + message_of(failure));
  const auto text = "PostgreSQL: " + message_of(failure) + " (SQLSTATE " + code + ")";
  if (code == "40P01") throw DeadlockError(text);
  if (code == "55P03" && fault_of(code, origin) == Fault::kInfrastructure)
    throw LockTimeoutError(text);
  // Of the errors that end the session, those two alone name the one who sat there.
  const bool told_whose = code == "25P03" || code == "25P04";
  if (fault_of(code, origin) == Fault::kInfrastructure || (connection_lost && !told_whose) ||
      is_stale_plan(failure))
    throw InfrastructureError(text);
  throw SqlError(text, code, field(failure, PG_DIAG_CONSTRAINT_NAME));
}

}  // namespace kinbox::postgres

#include "postgres/pooling.hpp"

#include "kinbox/errors.hpp"
#include "postgres/error_classes.hpp"

namespace kinbox::postgres {
namespace {

ResultHandle run(Connection& connection, const std::string& sql) {
  auto result = connection.run(sql);
  if (!succeeded(*result))
    throw_failure(*result, OpenTransaction::Origin::kFramework, connection.lost());
  return result;
}

/// Begins a transaction, so that the backend is surely ours until `release`.
std::string hold(Connection& connection) {
  return PQgetvalue(run(connection, "BEGIN; SELECT pg_backend_pid()").get(), 0, 0);
}

void release(Connection& connection) { run(connection, "COMMIT"); }

std::string backend_of(Connection& connection) {
  auto pid = hold(connection);
  release(connection);
  return pid;
}

/// Two backends are given back, first's first. A pooler that hands out the oldest gives second the
/// one that first had; a pooler that hands out the newest gives first the one that second had.
bool backends_move(Connection& first, Connection& second) {
  const auto first_had = hold(first);
  const auto second_had = hold(second);
  release(first);
  release(second);
  return backend_of(second) != second_had || backend_of(first) != first_had;
}

}  // namespace

void refuse_transaction_pooling(Connection& connection, const Options& options) {
  // PgBouncer invents the pid it tells its clients, in session mode too: it shows that there is a
  // proxy, not what the proxy does.
  if (connection.backend_pid() == std::to_string(PQbackendPID(connection.raw()))) return;
  Connection other(options);
  if (backends_move(connection, other))
    throw RefusedError(
        "a proxy in front of PostgreSQL gives each transaction another backend (transaction "
        "pooling), which prepared statements and session settings do not survive. Switch it to "
        "session mode (PgBouncer: pool_mode = session), or connect to PostgreSQL itself");
}

}  // namespace kinbox::postgres

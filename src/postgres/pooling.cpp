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

/// Begins a transaction, so that the backend is surely ours until its end.
std::string hold_backend(Connection& connection) {
  return PQgetvalue(run(connection, "BEGIN; SELECT pg_backend_pid()").get(), 0, 0);
}

void release_backend(Connection& connection) { run(connection, "COMMIT"); }

/// Whether the two have changed backends after `first`, then `second` gave theirs back. A pooler
/// that hands out the one given back last does so in this order, one that hands out the oldest in
/// the other.
bool change_backends(Connection& first, Connection& second) {
  const auto first_had = hold_backend(first);
  const auto second_had = hold_backend(second);
  release_backend(first);
  release_backend(second);
  const auto first_has = hold_backend(first);
  const auto second_has = hold_backend(second);
  release_backend(first);
  release_backend(second);
  return first_had != first_has || second_had != second_has;
}

}  // namespace

void refuse_transaction_pooling(Connection& connection, const Options& options) {
  // PgBouncer invents the pid it tells its clients, in session mode too: it shows that there is a
  // proxy, not what the proxy does.
  if (connection.backend_pid() == std::to_string(PQbackendPID(connection.raw()))) return;
  Connection other(options);
  if (change_backends(connection, other) || change_backends(other, connection))
    throw RefusedError(
        "a proxy in front of PostgreSQL gives each transaction another backend (transaction "
        "pooling), which prepared statements and session settings do not survive. Switch it to "
        "session mode (PgBouncer: pool_mode = session), or connect to PostgreSQL itself");
}

}  // namespace kinbox::postgres

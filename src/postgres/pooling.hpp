#pragma once

#include "kinbox/postgres/database.hpp"
#include "postgres/connection.hpp"

namespace kinbox::postgres {

/// Throws RefusedError when a proxy gives each transaction another backend: prepared statements,
/// session settings and the recorded owner's backend do not survive that. `connection` must not be
/// in a transaction; behind a proxy a second one is opened for a moment.
void refuse_transaction_pooling(Connection& connection, const Options& options);

}  // namespace kinbox::postgres

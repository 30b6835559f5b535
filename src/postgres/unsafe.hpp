#pragma once

#include "kinbox/dialect.hpp"
#include "postgres/connection.hpp"

namespace kinbox::postgres {

/// Throws RefusedError on the first condition of the promise that the server, kinbox's tables or
/// this role's rights do not meet. `connection` must not be in a transaction.
void refuse_unsafe(Connection& connection, const Dialect& dialect);

}  // namespace kinbox::postgres

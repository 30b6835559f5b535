#pragma once

#include <libpq-fe.h>

#include "postgres/wait.hpp"

namespace kinbox::postgres {

/// Asks the server to cancel the statement that `connection` waits for. When it returns true the
/// server has been told; false if that could not be done by `deadline`.
///
/// Whether the statement was still running then nobody knows, and a proxy may hand the request on
/// later: send nothing that matters on the connection afterwards.
bool cancel(PGconn* connection, Deadline deadline);

}  // namespace kinbox::postgres

#pragma once

#include <chrono>

#include "kinbox/dialect.hpp"
#include "postgres/connection.hpp"

namespace kinbox::postgres {

/// Listens for relays' sake, and waits: see Database::wait_for_outbox.
bool wait_for_notification(Connection& connection, const Dialect& dialect, int interrupt,
                           std::chrono::milliseconds timeout);

}  // namespace kinbox::postgres

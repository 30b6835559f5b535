#pragma once

#include <libpq-fe.h>

#include <string>
#include <string_view>

#include "kinbox/transaction.hpp"

namespace kinbox::postgres {

/// Whom an SQL error counts against.
enum class Fault {
  /// The server, the network, the neighbours: the batch is retried for ever, nobody is blamed.
  kInfrastructure,
  /// The statement, and so the event whose handler sent it.
  kStatement,
};

/// The table of who failed. Every SQLSTATE has an answer.
Fault fault_of(std::string_view sqlstate, OpenTransaction::Origin origin);

/// SQLSTATE of a failed result; empty where libpq itself made it (a lost connection).
std::string sqlstate_of(const PGresult& failure);

/// The server's primary message, without DETAIL: that one quotes rows.
std::string message_of(const PGresult& failure);

/// Throws what the failed `result` means: InfrastructureError or SqlError.
/// `connection_lost`: a lost connection is nobody's fault, unless the server said whose.
[[noreturn]] void throw_failure(const PGresult& failure, OpenTransaction::Origin origin,
                                bool connection_lost);

}  // namespace kinbox::postgres

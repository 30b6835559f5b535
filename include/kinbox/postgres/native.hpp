#pragma once

#include "kinbox/transaction.hpp"

namespace pqxx {
class transaction_base;
}

namespace kinbox::postgres {

/// The same connection and the same open transaction as a libpqxx handle, for what
/// `Transaction::execute` and `query` cannot do (COPY, large objects, savepoints). Include
/// `<pqxx/pqxx>` to use it.
///
/// Ask for it anew after each use of `tx`; it dies with `handle()`. Its commit() and abort() do
/// nothing. An SQL error in it dooms `tx` like any other, also when the handler swallows it; so
/// does ending the transaction through it. Calls have the server's timeouts, but no deadline on
/// this side.
///
/// Throws ConfigurationError when `tx` is not PostgreSQL's.
pqxx::transaction_base& native(Transaction& tx);

}  // namespace kinbox::postgres

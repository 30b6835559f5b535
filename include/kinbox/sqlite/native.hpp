#pragma once

#include "kinbox/transaction.hpp"

namespace SQLite {
class Database;
}

namespace kinbox::sqlite {

/// The SQLiteCpp connection under `transaction`, for what the Transaction does not offer
/// (functions, incremental blobs). Include <SQLiteCpp/SQLiteCpp.h> to use it.
///
/// What is written through it belongs to the transaction. Errors met here doom it only if they
/// ended it (a full disk, OR ROLLBACK): let them leave the handler. BEGIN, COMMIT, ROLLBACK,
/// ATTACH, DETACH and PRAGMA are denied here too. Valid while `transaction` is. Throws
/// ConfigurationError when `transaction` is not SQLite's.
SQLite::Database& native(Transaction& transaction);

}  // namespace kinbox::sqlite

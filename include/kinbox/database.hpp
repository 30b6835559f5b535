#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <string>

#include "kinbox/dialect.hpp"
#include "kinbox/transaction.hpp"

namespace kinbox {

/// One connection to one database.
///
/// A connection that broke is dropped, and the next `begin` makes a new one: callers only retry.
/// One thread at a time; give each worker its own.
class Database {
 public:
  Database() = default;
  Database(const Database&) = delete;
  Database& operator=(const Database&) = delete;
  virtual ~Database() = default;

  virtual const Dialect& dialect() const = 0;

  /// Opens a transaction (READ COMMITTED; BEGIN IMMEDIATE on SQLite). At most one is open at a
  /// time. Throws InfrastructureError when the server is away or SQLite's writer lock is not to be
  /// had in time.
  virtual std::unique_ptr<OpenTransaction> begin() = 0;

  /// Looks at what can be seen now and throws RefusedError, naming the thing and the way out, on a
  /// server or file that cannot keep the promise (fsync off, standby, wrong collation, an unlogged
  /// or changed inbox, a transaction-pooling proxy). The schema must be migrated.
  virtual void refuse_unsafe() = 0;

  /// Words for logs and `consumer_progress.owner_session`: the PostgreSQL backend's pid, else
  /// empty.
  virtual std::string session() const = 0;

  /// Waits until `interrupt`, a file descriptor, is readable, or `timeout`; on PostgreSQL also
  /// until a transaction commits, anybody's, that wrote rows for an outbox relay. True if there may
  /// be such rows since the last call: the first call on a connection always says so. Not inside a
  /// transaction. Throws InfrastructureError when the connection breaks.
  virtual bool wait_for_outbox(int interrupt, std::chrono::milliseconds timeout);

  enum class GivenBack {
    kAll,
    /// There are more.
    kSome,
    /// There are some, and this file keeps them for rows to come: it was made before kinbox asked
    /// SQLite for `auto_vacuum=INCREMENTAL`.
    kCannot,
  };

  /// Hands pages that deleted rows left back to the file system, at most so many, in a transaction
  /// of its own. Always kAll on PostgreSQL, where autovacuum does what can be done.
  virtual GivenBack give_back(std::size_t pages);

  /// Runs `script` (several statements, no parameters) inside `transaction`. For migrations only:
  /// DDL goes where handlers may not.
  virtual void run_script(OpenTransaction& transaction, const std::string& script) = 0;
};

/// Makes one connection, lazily: the factory itself does not touch the server.
using DatabaseFactory = std::function<std::unique_ptr<Database>()>;

}  // namespace kinbox

#pragma once

#include <chrono>
#include <cstddef>
#include <optional>
#include <string>

#include "kinbox/database.hpp"

namespace kinbox::postgres {

/// One PostgreSQL, 13 or newer, and how long to wait for it.
///
/// The four timeouts of a transaction (lock, statement, idle, call) bound how long an owner that
/// stopped keeps others waiting: stay below Kafka's `session.timeout.ms` (45 s unless set).
struct Options {
  /// libpq connection string or URI; all that libpq understands, several hosts included.
  /// A host that does not answer at all is given `connect_timeout`, then the next is tried.
  std::string uri;
  /// Wins over a password in `uri`. Never printed.
  std::optional<std::string> password;
  /// Where kinbox's tables are. Not put on the search path: handlers see what their role sees.
  std::string schema = "kinbox";

  /// Per host. Name resolution is libpq's and not bounded by it.
  std::chrono::milliseconds connect_timeout{10'000};
  /// Waiting for one lock, the server's `lock_timeout`.
  std::chrono::milliseconds lock_timeout{10'000};
  /// One statement, the server's `statement_timeout`. Not scripts of migrations.
  std::chrono::milliseconds statement_timeout{30'000};
  /// Between two statements of a transaction, the server's `idle_in_transaction_session_timeout`,
  /// and among an answer that we do not read, its `tcp_user_timeout` (TCP on Linux): a stopped
  /// process loses its locks after it.
  std::chrono::milliseconds idle_in_transaction_session_timeout{30'000};
  /// One call as seen from here, COMMIT included, whatever the server or the network does; above
  /// `statement_timeout`, which gives the better error. When it passes, the connection is dropped.
  /// Calls through `native` are bounded by the server's timeouts and TCP's only.
  std::chrono::milliseconds call_deadline{40'000};

  /// Sends a batch's equal plain INSERTs as one. Plain is `INSERT INTO t (columns) VALUES ($1,
  /// ...)`, with or without `ON CONFLICT ... DO NOTHING`, into an ordinary table without triggers,
  /// rules, row security or a reference to itself; the server is asked once per connection and
  /// statement. Rows, defaults, conflicts and blame are the same as one by one; inserts into
  /// different tables may change places between two other statements. A comment in a statement
  /// keeps it apart.
  bool coalesce_inserts = true;

  /// Statements kept prepared per connection; the least recently used goes first.
  std::size_t max_prepared_statements = 256;
};

/// Makes PostgreSQL databases. Looks at `options` at once (ConfigurationError names the setting),
/// at the server not before a Database's first call.
///
/// What a Database throws when it cannot connect is InfrastructureError, also for a wrong password
/// or an unknown database: a consumer that runs must survive a rotated password. Its text says what
/// to check.
DatabaseFactory factory(const Options& options);

/// Version of the libpq that runs, "15.8".
std::string library_version();

}  // namespace kinbox::postgres

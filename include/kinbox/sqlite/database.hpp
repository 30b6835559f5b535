#pragma once

#include <chrono>
#include <cstddef>
#include <memory>
#include <string>

#include "kinbox/database.hpp"

namespace kinbox::sqlite {

struct Options {
  /// The database file, or ":memory:" (tests: every connection is a database of its own then, and
  /// not durable). URIs ("file:...") are refused.
  std::string path;
  /// Longest wait for the one writer's turn, other processes included; InfrastructureError after.
  std::chrono::milliseconds lock_timeout{5000};
  /// Prepared statements kept per connection. A handler with more texts than this prepares again.
  std::size_t statement_cache = 256;
  /// Whether a missing file becomes a new database. Without it a missing file is an
  /// InfrastructureError; for commands that only look.
  bool create = true;
};

/// A connection to the file, made at the first use. WAL, synchronous=FULL, foreign_keys=ON, read
/// back; RefusedError on a file that does not take them.
///
/// Connections of one process to one file take turns in order of arrival: SQLite has one writer,
/// and its own busy handler starves waiters. The turn lasts from begin() to commit or rollback, so
/// one thread must not hold transactions of two connections to one file.
///
/// Throws ConfigurationError on options that cannot work.
std::unique_ptr<Database> open(Options options);

/// The same as a factory, for whoever makes a connection per thread.
DatabaseFactory factory(Options options);

/// Version of the SQLite that runs, "3.40.1".
std::string library_version();

}  // namespace kinbox::sqlite

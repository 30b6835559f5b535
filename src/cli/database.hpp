#pragma once

#include <chrono>

#include "cli/config/config.hpp"
#include "kinbox/database.hpp"
#include "kinbox/dialect.hpp"

namespace kinbox::cli {

enum class Missing {
  /// A SQLite file that is not there becomes a new database.
  kCreate,
  /// It is InfrastructureError: a command that only looks must not leave an empty file behind.
  kRefuse,
};

/// Connections to the configured database, its waiting times below Kafka's session timeout. Reads
/// `password_file` now. Throws ConfigurationError.
DatabaseFactory make_database_factory(const Config& config, Missing missing);

/// The same for a command that reads whole tables: a statement may take hours. SQLite files are not
/// created.
DatabaseFactory make_patient_database_factory(const Config& config);

Dialect dialect_of(const Config& config);

/// A third of the shortest of session timeout, idle-in-transaction timeout and poll interval.
std::chrono::milliseconds default_transaction_time(const Config& config);

/// For people: "SQLite /var/lib/kinbox.db", "PostgreSQL postgresql://u@h/db (schema kinbox)"; no
/// secrets.
std::string describe_database(const Config& config);

}  // namespace kinbox::cli

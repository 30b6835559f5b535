#include "cli/database.hpp"

#include <algorithm>

#include "cli/config/kafka_settings.hpp"
#include "cli/config/password_file.hpp"
#include "cli/config/redact.hpp"
#include "kinbox/errors.hpp"
#include "kinbox/postgres/database.hpp"
#include "kinbox/sqlite/database.hpp"

namespace kinbox::cli {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kPatience = std::chrono::hours{12};

// An owner that stopped must have lost its locks by the time Kafka gives its partitions away.
postgres::Options with_timeouts(postgres::Options options, milliseconds session) {
  options.idle_in_transaction_session_timeout =
      std::min(options.idle_in_transaction_session_timeout, session * 2 / 3);
  options.statement_timeout = std::min(options.statement_timeout, session * 2 / 3);
  options.lock_timeout = std::min(options.lock_timeout, session / 4);
  options.call_deadline = std::min(options.call_deadline, session * 5 / 6);
  return options;
}

postgres::Options postgres_options(const PostgresConfig& config) {
  postgres::Options options;
  options.uri = config.uri;
  options.schema = config.schema;
  options.coalesce_inserts = config.coalesce_inserts;
  if (config.password_file)
    options.password = read_password("database.password_file", *config.password_file);
  return options;
}

}  // namespace

DatabaseFactory make_database_factory(const Config& config, Missing missing) {
  if (const auto* postgres = std::get_if<PostgresConfig>(&config.database))
    return postgres::factory(
        with_timeouts(postgres_options(*postgres), session_timeout(config.kafka)));
  sqlite::Options options;
  options.path = std::get<SqliteConfig>(config.database).path;
  options.create = missing == Missing::kCreate;
  return sqlite::factory(std::move(options));
}

DatabaseFactory make_patient_database_factory(const Config& config) {
  const auto* postgres = std::get_if<PostgresConfig>(&config.database);
  if (postgres == nullptr) return make_database_factory(config, Missing::kRefuse);
  auto options = postgres_options(*postgres);
  options.statement_timeout = kPatience;
  options.call_deadline = kPatience + std::chrono::seconds{10};
  return postgres::factory(std::move(options));
}

Dialect dialect_of(const Config& config) {
  if (const auto* postgres = std::get_if<PostgresConfig>(&config.database))
    return {Backend::kPostgres, postgres->schema};
  return {Backend::kSqlite, "main"};
}

milliseconds default_transaction_time(const Config& config) {
  const auto session = session_timeout(config.kafka);
  const auto idle = with_timeouts(postgres::Options{}, session).idle_in_transaction_session_timeout;
  return std::min({session, idle, max_poll_interval(config.kafka)}) / 3;
}

std::string describe_database(const Config& config) {
  if (const auto* postgres = std::get_if<PostgresConfig>(&config.database))
    return "PostgreSQL " + redacted_uri(postgres->uri) + " (schema " + postgres->schema + ")";
  return "SQLite " + std::get<SqliteConfig>(config.database).path;
}

}  // namespace kinbox::cli

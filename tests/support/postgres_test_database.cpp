#include "support/postgres_test_database.hpp"

#include <libpq-fe.h>

#include <stdexcept>

#include "support/services.hpp"
#include "support/unique_name.hpp"

namespace kinbox::testing {

PostgresTestDatabase::PostgresTestDatabase() : schema_(unique_name("kinbox_test")) {}

PostgresTestDatabase::~PostgresTestDatabase() {
  try {
    run_sql(PostgresService::get().uri(),
            "SET lock_timeout = '10s'; DROP SCHEMA IF EXISTS " + schema_ + " CASCADE");
  } catch (const std::exception& error) {
    ADD_FAILURE() << "schema " << schema_ << " stays behind: " << error.what();
  }
}

std::unique_ptr<Database> PostgresTestDatabase::connect(std::chrono::milliseconds lock_timeout) {
  auto with_lock_timeout = options();
  with_lock_timeout.lock_timeout = lock_timeout;
  return postgres::factory(with_lock_timeout)();
}

postgres::Options PostgresTestDatabase::options() const {
  postgres::Options options;
  options.uri = PostgresService::get().uri();
  options.schema = schema_;
  return options;
}

std::size_t PostgresTestDatabase::waiting() {
  const auto count = run_sql(PostgresService::get().uri(),
                             "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' "
                             "AND query LIKE '%" +
                                 schema_ + "%'");
  return std::stoul(count);
}

std::string run_sql(const std::string& uri, const std::string& sql) {
  const std::unique_ptr<PGconn, void (*)(PGconn*)> connection(PQconnectdb(uri.c_str()), PQfinish);
  PQsetNoticeProcessor(
      connection.get(), [](void*, const char*) {}, nullptr);
  const std::unique_ptr<PGresult, void (*)(PGresult*)> result(PQexec(connection.get(), sql.c_str()),
                                                              PQclear);
  const auto status = PQresultStatus(result.get());
  if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK)
    throw std::runtime_error(PQerrorMessage(connection.get()));
  return PQntuples(result.get()) == 0 ? std::string() : PQgetvalue(result.get(), 0, 0);
}

TestDatabaseKind postgres_kind() {
  return {.name = "Postgres",
          .missing = [] { return PostgresService::missing(); },
          .make = [] { return std::make_unique<PostgresTestDatabase>(); }};
}

}  // namespace kinbox::testing

#include <libpq-fe.h>

#include <cstdlib>
#include <iostream>
#include <random>

#include "kinbox/postgres/database.hpp"
#include "support/test_database.hpp"

namespace kinbox::testing {
namespace {

std::string uri() {
  const char* uri = std::getenv("KINBOX_TEST_POSTGRES");
  return uri == nullptr ? "" : uri;
}

std::string unique_schema() {
  std::random_device random;
  return "kinbox_test_" + std::to_string(random()) + std::to_string(random());
}

class PostgresTestDatabase final : public TestDatabase {
 public:
  ~PostgresTestDatabase() override {
    // Without the driver under test, and whatever a test has left locked.
    PGconn* connection = PQconnectdb(uri().c_str());
    PGresult* result = PQexec(connection, ("SET client_min_messages = warning; SET lock_timeout = "
                                           "'10s'; DROP SCHEMA IF EXISTS " +
                                           schema_ + " CASCADE")
                                              .c_str());
    if (PQresultStatus(result) != PGRES_COMMAND_OK)
      std::cerr << "schema " << schema_ << " stays behind: " << PQerrorMessage(connection) << '\n';
    PQclear(result);
    PQfinish(connection);
  }

  std::unique_ptr<Database> connect(std::chrono::milliseconds lock_timeout) override {
    postgres::Options options;
    options.uri = uri();
    options.schema = schema_;
    options.lock_timeout = lock_timeout;
    return postgres::factory(options)();
  }

 private:
  std::string schema_ = unique_schema();
};

}  // namespace

TestDatabaseKind postgres_kind() {
  return {.name = "Postgres",
          .missing =
              [] {
                return uri().empty() ? std::string(
                                           "no PostgreSQL: set KINBOX_TEST_POSTGRES, or run "
                                           "scripts/services start")
                                     : std::string();
              },
          .make = [] { return std::make_unique<PostgresTestDatabase>(); }};
}

}  // namespace kinbox::testing

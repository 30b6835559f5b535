#pragma once

#include <gmock/gmock.h>

#include <memory>
#include <string>
#include <thread>

#include "kinbox/errors.hpp"
#include "kinbox/postgres/database.hpp"
#include "support/eventually.hpp"
#include "support/postgres_test_database.hpp"
#include "support/services.hpp"

namespace kinbox::testing {

/// A migrated schema with a table `orders`, and one connection of the driver.
class PostgresTest : public ::testing::Test {
 protected:
  void SetUp() override {
    KINBOX_REQUIRE_POSTGRES();
    home_ = std::make_unique<PostgresTestDatabase>();
    database_ = connect();
    migrate(*database_);
    admin("CREATE TABLE {kinbox}.orders (id bigint PRIMARY KEY, note text)");
  }

  postgres::Options options() const { return home_->options(); }
  std::unique_ptr<Database> connect() { return connect(options()); }
  std::unique_ptr<Database> connect(const postgres::Options& options) {
    return postgres::factory(options)();
  }
  Database& database() { return *database_; }

  std::string sql(std::string_view text) const {
    return Dialect(Backend::kPostgres, home_->schema()).render(text);
  }
  /// As the superuser, past the driver, at once.
  std::string admin(std::string_view text) const {
    return run_sql(PostgresService::get().uri(), sql(text));
  }
  std::string orders() const { return admin("SELECT count(*) FROM {kinbox}.orders"); }
  std::string insert() const { return sql("INSERT INTO {kinbox}.orders (id) VALUES ($1)"); }

  /// Ends the server process of an open transaction; returns when it is gone.
  void terminate(OpenTransaction& tx) {
    const auto pid = tx.query("SELECT pg_backend_pid()::text")[0].get<std::string>(0);
    admin("SELECT pg_terminate_backend(" + pid + ")");
    ASSERT_TRUE(eventually(
        [&] { return admin("SELECT count(*) FROM pg_stat_activity WHERE pid = " + pid) == "0"; }));
  }

  /// Waits until somebody waits for a lock in this test's schema, or for a transaction to end.
  [[nodiscard]] bool somebody_waits(const std::string& what) {
    return eventually([&] {
      return admin(
                 "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query "
                 "LIKE '%" +
                 home_->schema() + "%" + what + "%' AND pid <> pg_backend_pid()") != "0";
    });
  }

 private:
  std::unique_ptr<PostgresTestDatabase> home_;
  std::unique_ptr<Database> database_;
};

/// Matches a call that throws SqlError with this SQLSTATE.
inline auto ThrowsSqlState(const std::string& code) {
  return ::testing::Throws<SqlError>(::testing::Property(&SqlError::code, code));
}

}  // namespace kinbox::testing

#pragma once

#include <gtest/gtest.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <ostream>
#include <string>
#include <vector>

#include "kinbox/database.hpp"

namespace kinbox::testing {

/// A database that one test has for itself and that goes with it. Empty: not migrated.
class TestDatabase {
 public:
  TestDatabase() = default;
  TestDatabase(const TestDatabase&) = delete;
  TestDatabase& operator=(const TestDatabase&) = delete;
  virtual ~TestDatabase() = default;

  /// A new connection. Its waits for locks are bounded by `lock_timeout`.
  virtual std::unique_ptr<Database> connect(
      std::chrono::milliseconds lock_timeout = std::chrono::seconds(10)) = 0;

  /// What another process needs to find it: the file's path, or the schema.
  virtual std::string place() const = 0;

  /// How many connections wait for a transaction of another one.
  virtual std::size_t waiting() = 0;

  /// connect() as a factory; valid while this lives.
  DatabaseFactory factory() {
    return [this] { return connect(); };
  }
};

struct TestDatabaseKind {
  /// Part of the tests' names: "Sqlite", "Postgres".
  std::string name;
  /// Why such a database cannot be had here (a server is missing); empty if it can.
  std::function<std::string()> missing;
  std::function<std::unique_ptr<TestDatabase>()> make;
};

inline void PrintTo(const TestDatabaseKind& kind, std::ostream* out) { *out << kind.name; }

/// Every database that the contract suites run on.
const std::vector<TestDatabaseKind>& all_databases();

TestDatabaseKind sqlite_kind();
TestDatabaseKind postgres_kind();

/// Brings kinbox's own tables.
void migrate(Database& database);

/// Base of the contract suites: a migrated database of the test's own and a connection to it.
/// Without the service the test skips, or fails where CI=true.
class DatabaseContract : public ::testing::TestWithParam<TestDatabaseKind> {
 protected:
  void SetUp() override;
  /// Kinds of tests that begin on an empty database override this.
  virtual void prepare() { migrate(database()); }

  bool is_sqlite() const { return GetParam().name == "Sqlite"; }
  Database& database() { return *database_; }
  TestDatabase& home() { return *home_; }
  std::unique_ptr<Database> connect() { return home_->connect(); }
  /// How the programs of tests/programs are told which database is this test's.
  std::vector<std::string> database_arguments();

  /// What a query that gives one integer gives, seen from a transaction of its own.
  std::int64_t number(std::string_view sql);
  /// Runs `script` in a transaction of its own, with the rights of a migration.
  void script(const std::string& text);

 private:
  std::unique_ptr<TestDatabase> home_;
  std::unique_ptr<Database> database_;
};

/// Instantiates a suite derived from DatabaseContract for every database.
#define KINBOX_FOR_ALL_DATABASES(suite)                                                        \
  INSTANTIATE_TEST_SUITE_P(On, suite, ::testing::ValuesIn(::kinbox::testing::all_databases()), \
                           [](const auto& kind) { return kind.param.name; })

/// The same for what only a database server has: connections, sessions, outages.
#define KINBOX_FOR_POSTGRES(suite)                                                           \
  INSTANTIATE_TEST_SUITE_P(On, suite, ::testing::Values(::kinbox::testing::postgres_kind()), \
                           [](const auto& kind) { return kind.param.name; })

}  // namespace kinbox::testing

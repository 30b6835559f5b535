#pragma once

#include <memory>
#include <string>

#include "kinbox/postgres/database.hpp"
#include "support/test_database.hpp"

namespace kinbox::testing {

/// A schema of its own on the test server, dropped afterwards.
class PostgresTestDatabase final : public TestDatabase {
 public:
  PostgresTestDatabase();
  ~PostgresTestDatabase() override;

  std::unique_ptr<Database> connect(std::chrono::milliseconds lock_timeout) override;
  std::size_t waiting() override;

  postgres::Options options() const;
  std::string place() const override { return schema_; }
  const std::string& schema() const { return schema_; }

 private:
  std::string schema_;
};

/// Runs SQL past the driver under test, as `uri`'s user and outside any transaction, and gives the
/// first field of its result, or nothing. Throws std::runtime_error with the server's text.
std::string run_sql(const std::string& uri, const std::string& sql);

}  // namespace kinbox::testing

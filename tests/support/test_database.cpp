#include "support/test_database.hpp"

#include "kinbox/migrations.hpp"
#include "support/services.hpp"

namespace kinbox::testing {

const std::vector<TestDatabaseKind>& all_databases() {
  static const std::vector<TestDatabaseKind> all{sqlite_kind(), postgres_kind()};
  return all;
}

void migrate(Database& database) { SchemaMigrator(database, {kinbox_component()}).up(); }

void DatabaseContract::SetUp() {
  const auto missing = GetParam().missing();
  if (!missing.empty()) {
    if (in_continuous_integration()) FAIL() << missing;
    GTEST_SKIP() << missing;
  }
  home_ = GetParam().make();
  database_ = home_->connect();
  prepare();
}

std::vector<std::string> DatabaseContract::database_arguments() {
  if (is_sqlite()) return {"sqlite=" + home().place()};
  return {"postgres=" + PostgresService::get().uri(), "schema=" + home().place()};
}

std::int64_t DatabaseContract::number(std::string_view sql) {
  const auto other = connect();
  const auto tx = other->begin();
  return tx->query(other->dialect().render(sql))[0].get<std::int64_t>(0);
}

void DatabaseContract::script(const std::string& text) {
  const auto other = connect();
  const auto tx = other->begin();
  other->run_script(*tx, other->dialect().render(text));
  tx->commit();
}

}  // namespace kinbox::testing

// `kinbox inbox verify` asks amcheck where it is installed. An extension belongs to a whole
// database, so these tests have one of their own.
#include <algorithm>

#include "cli/inbox/table_checks.hpp"
#include "integration/postgres_fixture.hpp"
#include "support/unique_name.hpp"

namespace kinbox::testing {
namespace {

using cli::Finding;
using cli::TableCheck;
using ::testing::EndsWith;
using ::testing::HasSubstr;

class PostgresAmcheck : public PostgresTest {
 protected:
  void SetUp() override {
    PostgresTest::SetUp();
    if (IsSkipped()) return;
    admin("CREATE DATABASE " + name_);
    own_ = options();
    own_.uri.replace(own_.uri.rfind('/') + 1, std::string::npos, name_);
    migrate(*connect(own_));
  }
  void TearDown() override {
    if (!own_.uri.empty()) admin("DROP DATABASE " + name_ + " WITH (FORCE)");
  }

  void in_own(const std::string& statement) { run_sql(own_.uri, sql(statement)); }

  static TableCheck amcheck(Database& database) {
    const auto checks = cli::check_tables(database);
    const auto found = std::find_if(checks.begin(), checks.end(),
                                    [](const auto& check) { return check.name == "amcheck"; });
    return found == checks.end() ? TableCheck{"it was not asked"} : *found;
  }
  TableCheck amcheck() { return amcheck(*connect(own_)); }

  const std::string name_ = unique_name("kinbox_amcheck");
  postgres::Options own_;
};

TEST_F(PostgresAmcheck, WhereItIsNotInstalledNothingIsKnownAndTheWayThereIsTold) {
  const auto found = amcheck();
  EXPECT_EQ(found.finding, Finding::kUnknown);
  EXPECT_THAT(found.note, HasSubstr("CREATE EXTENSION amcheck"));
}

TEST_F(PostgresAmcheck, WhereItIsInstalledItLooksAtEveryIndex) {
  in_own("CREATE EXTENSION amcheck");
  const auto found = amcheck();
  EXPECT_EQ(found.finding, Finding::kOk) << found.note;
  EXPECT_THAT(found.note, EndsWith(" indexes agree with their tables"));
  EXPECT_GT(std::stoi(found.note), 20);
}

TEST_F(PostgresAmcheck, AnIndexThatLacksARowIsAMismatch) {
  in_own("CREATE EXTENSION amcheck");
  in_own("INSERT INTO {kinbox}.consumers (name, group_id) VALUES ('a', 'g'), ('b', 'g')");
  // An index that says it has all rows, and was made without one.
  in_own("CREATE INDEX lame ON {kinbox}.consumers (name) WHERE name <> 'b'");
  in_own("UPDATE pg_index SET indpred = NULL WHERE indexrelid = '{kinbox}.lame'::regclass");
  const auto found = amcheck();
  EXPECT_EQ(found.finding, Finding::kMismatch);
  EXPECT_THAT(found.note, HasSubstr("lame"));
}

TEST_F(PostgresAmcheck, WhoMayNotAskItIsToldSo) {
  in_own("CREATE EXTENSION amcheck");
  const auto role = unique_name("kinbox_role");
  in_own("CREATE ROLE " + role + " LOGIN; GRANT USAGE ON SCHEMA {kinbox} TO " + role +
         "; GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA {kinbox} TO " + role);
  auto as_role = own_;
  as_role.uri.replace(as_role.uri.find("postgres@"), 8, role);
  const auto found = amcheck(*connect(as_role));
  EXPECT_EQ(found.finding, Finding::kUnknown);
  EXPECT_THAT(found.note, HasSubstr("permission denied"));
  in_own("DROP OWNED BY " + role + "; DROP ROLE " + role);
}

}  // namespace
}  // namespace kinbox::testing

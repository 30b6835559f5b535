#include "integration/postgres_fixture.hpp"

namespace kinbox::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::Throws;

class PostgresStatements : public PostgresTest {
 protected:
  /// Texts that the session of `tx` has prepared and that name one of ours, in order of name.
  static std::vector<std::string> prepared(OpenTransaction& tx) {
    std::vector<std::string> texts;
    for (const auto row : tx.query("SELECT statement FROM pg_prepared_statements "
                                   "WHERE statement LIKE 'SELECT _' ORDER BY statement"))
      texts.push_back(row.get<std::string>(0));
    return texts;
  }

  std::string session_after_a_commit() {
    const auto tx = database().begin();
    tx->commit();
    return database().session();
  }
};

TEST_F(PostgresStatements, AStatementIsPreparedOncePerConnection) {
  for (int round = 0; round < 3; ++round) {
    const auto tx = database().begin();
    tx->query("SELECT 1");
    tx->query("SELECT 1");
    EXPECT_THAT(prepared(*tx), ElementsAre("SELECT 1"));
    tx->commit();
  }
}

TEST_F(PostgresStatements, ARolledBackTransactionKeepsItsPreparedStatements) {
  database().begin()->query("SELECT 1");
  const auto tx = database().begin();
  tx->query("SELECT 1");
  EXPECT_THAT(prepared(*tx), ElementsAre("SELECT 1"));
}

TEST_F(PostgresStatements, TheOneUnusedForLongestMakesRoom) {
  auto few = options();
  few.max_prepared_statements = 3;
  const auto other = connect(few);
  const auto tx = other->begin();
  tx->query("SELECT 1");
  tx->query("SELECT 2");
  tx->query("SELECT 1");
  tx->query("SELECT 3");
  // The look itself takes the place of SELECT 2.
  EXPECT_THAT(prepared(*tx), ElementsAre("SELECT 1", "SELECT 3"));
  EXPECT_EQ(tx->query("SELECT 2")[0].get<std::int64_t>(0), 2);
}

TEST_F(PostgresStatements, AStatementThatCannotBePreparedIsNotRemembered) {
  const auto missing = sql("SELECT count(*) FROM {kinbox}.later");
  EXPECT_THAT([&] { database().begin()->query(missing); }, ThrowsSqlState("42P01"));
  admin("CREATE TABLE {kinbox}.later ()");
  EXPECT_EQ(database().begin()->query(missing)[0].get<std::int64_t>(0), 0);
}

TEST_F(PostgresStatements, AStalePlanIsNobodysFaultAndGoneWithTheRetry) {
  const auto all = sql("SELECT * FROM {kinbox}.orders");
  database().begin()->query(all);
  admin("ALTER TABLE {kinbox}.orders ADD COLUMN added text");
  EXPECT_THAT([&] { database().begin()->query(all); }, Throws<InfrastructureError>());
  EXPECT_EQ(database().begin()->query(all).columns().size(), 3U);
}

TEST_F(PostgresStatements, DeallocatedStatementsAreBackWithTheRetry) {
  {
    const auto tx = database().begin();
    tx->query("SELECT 1");
    tx->execute("DEALLOCATE ALL");
    EXPECT_THAT([&] { tx->query("SELECT 1"); }, ThrowsSqlState("26000"));
  }
  EXPECT_EQ(database().begin()->query("SELECT 1")[0].get<std::int64_t>(0), 1);
}

TEST_F(PostgresStatements, AConnectionThatLostItsStatementsToAScriptServesNoOther) {
  const auto before = session_after_a_commit();
  {
    const auto tx = database().begin();
    EXPECT_THAT([&] { database().run_script(*tx, "DEALLOCATE ALL; EXECUTE kinbox_1"); },
                ThrowsSqlState("26000"));
  }
  EXPECT_NE(session_after_a_commit(), before);
}

TEST_F(PostgresStatements, NoticesStayOffStandardError) {
  ::testing::internal::CaptureStderr();
  database().begin()->execute("DO $$ BEGIN RAISE WARNING 'noise'; END $$");
  EXPECT_EQ(::testing::internal::GetCapturedStderr(), "");
}

}  // namespace
}  // namespace kinbox::testing

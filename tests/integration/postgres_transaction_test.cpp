#include "integration/postgres_fixture.hpp"
#include "kinbox/progress.hpp"
#include "postgres/transaction.hpp"

namespace kinbox::testing {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Property;
using ::testing::Throws;
using ::testing::ThrowsMessage;

class PostgresTransactions : public PostgresTest {
 protected:
  /// An order that points to a missing one; PostgreSQL looks at COMMIT.
  void add_deferred_key() {
    admin(
        "ALTER TABLE {kinbox}.orders ADD COLUMN parent bigint CONSTRAINT parent_exists REFERENCES "
        "{kinbox}.orders (id) DEFERRABLE INITIALLY DEFERRED");
  }

  static std::string show(OpenTransaction& tx, const std::string& setting) {
    return tx.query("SHOW " + setting)[0].get<std::string>(0);
  }
};

TEST_F(PostgresTransactions, AreReadCommittedAndWritableWhateverTheServersDefaultsAre) {
  auto odd = options();
  odd.uri +=
      "?options=-c%20default_transaction_isolation%3Dserializable%20-c%20"
      "default_transaction_read_only%3Don";
  const auto other = connect(odd);
  const auto tx = other->begin();
  EXPECT_EQ(show(*tx, "transaction_isolation"), "read committed");
  EXPECT_EQ(show(*tx, "transaction_read_only"), "off");
}

TEST_F(PostgresTransactions, CarryTheirTimeouts) {
  auto timed = options();
  timed.lock_timeout = std::chrono::milliseconds(1234);
  timed.statement_timeout = std::chrono::milliseconds(2345);
  timed.idle_in_transaction_session_timeout = std::chrono::milliseconds(3456);
  const auto other = connect(timed);
  const auto tx = other->begin();
  EXPECT_EQ(show(*tx, "lock_timeout"), "1234ms");
  EXPECT_EQ(show(*tx, "statement_timeout"), "2345ms");
  EXPECT_EQ(show(*tx, "idle_in_transaction_session_timeout"), "3456ms");
}

TEST_F(PostgresTransactions, ABeginThatFailsHalfwayLeavesNothingOpen) {
  auto endless = options();
  endless.lock_timeout = std::chrono::hours(1'000'000);
  const auto other = connect(endless);
  for (int attempt = 0; attempt < 2; ++attempt)
    EXPECT_THAT([&] { other->begin()->flush(); },
                ThrowsMessage<InfrastructureError>(HasSubstr("\"lock_timeout\"")));
}

TEST_F(PostgresTransactions, OneAtATime) {
  auto tx = database().begin();
  EXPECT_THAT([&] { database().begin(); }, Throws<ConfigurationError>());
  tx.reset();
  EXPECT_NO_THROW(database().begin()->flush());
}

TEST_F(PostgresTransactions, CommitIsOnItsWayWhenTheCallerIsTold) {
  const auto tx = database().begin();
  tx->execute(insert(), 1);
  int told = 0;
  tx->commit([&] {
    ++told;
    // Nobody has read the answer yet, and the server goes on without us.
    EXPECT_TRUE(eventually([&] { return orders() == "1"; }));
  });
  EXPECT_EQ(told, 1);
}

TEST_F(PostgresTransactions, ACallerThatThrowsDuringCommitDoesNotSpoilTheNextTransaction) {
  {
    const auto tx = database().begin();
    tx->execute(insert(), 1);
    EXPECT_THAT([&] { tx->commit([] { throw std::runtime_error("stop"); }); },
                ThrowsMessage<std::runtime_error>(HasSubstr("stop")));
  }
  EXPECT_EQ(database().begin()->query("SELECT 1")[0].get<std::int64_t>(0), 1);
}

TEST_F(PostgresTransactions, ADeferredConstraintThatRefusesAtCommitIsNobodysStatement) {
  add_deferred_key();
  const auto tx = database().begin();
  tx->execute(sql("INSERT INTO {kinbox}.orders (id, parent) VALUES (1, 99)"));
  EXPECT_THAT([&] { tx->commit(); },
              Throws<SqlError>(AllOf(Property(&SqlError::code, "23503"),
                                     Property(&SqlError::constraint, "parent_exists"),
                                     Property(&SqlError::statement, 0))));
  EXPECT_EQ(orders(), "0");
  EXPECT_NO_THROW(database().begin()->flush());
}

TEST_F(PostgresTransactions, AnErrorNamesItsStatementItsStateAndItsConstraint) {
  const auto tx = database().begin();
  tx->execute(insert(), 1);
  tx->execute(insert(), 1);
  tx->execute(insert(), 2);
  EXPECT_THAT([&] { tx->flush(); },
              Throws<SqlError>(AllOf(Property(&SqlError::code, "23505"),
                                     Property(&SqlError::constraint, "orders_pkey"),
                                     Property(&SqlError::statement, 2))));
}

TEST_F(PostgresTransactions, AnErrorTextQuotesNoRow) {
  const auto tx = database().begin();
  tx->execute(sql("INSERT INTO {kinbox}.orders VALUES (4711, 'secret')"));
  try {
    tx->execute(insert(), 4711);
    tx->flush();
    FAIL();
  } catch (const SqlError& error) {
    EXPECT_THAT(error.what(), Not(HasSubstr("4711")));
  }
}

// The server's answer to COMMIT on an aborted transaction is a success whose tag is ROLLBACK.
TEST_F(PostgresTransactions, ACommitAnsweredRollbackIsAFailure) {
  const auto connection = std::make_shared<postgres::Connection>(options());
  connection->run("BEGIN");
  connection->run(sql("INSERT INTO {kinbox}.orders (id) VALUES (1)"));
  connection->run("SELECT 1 / 0");
  postgres::PostgresTransaction tx(connection, database().dialect());
  EXPECT_THAT([&] { tx.commit(); }, ThrowsMessage<SqlError>(HasSubstr("answered ROLLBACK")));
  EXPECT_EQ(orders(), "0");
}

TEST_F(PostgresTransactions, AStaleTransactionDoesNotTouchTheNextConnection) {
  auto stale = database().begin();
  terminate(*stale);
  EXPECT_THAT([&] { stale->query("SELECT 1"); }, Throws<InfrastructureError>());
  const auto tx = database().begin();
  tx->execute(insert(), 1);
  stale.reset();
  tx->commit();
  EXPECT_EQ(orders(), "1");
}

TEST_F(PostgresTransactions, TheSessionIsTheServerProcess) {
  const auto other = connect();
  EXPECT_EQ(other->session(), "");
  auto tx = other->begin();
  EXPECT_EQ(other->session(), tx->query("SELECT pg_backend_pid()::text")[0].get<std::string>(0));
  terminate(*tx);
  EXPECT_THAT([&] { tx->query("SELECT 1"); }, Throws<InfrastructureError>());
  EXPECT_EQ(other->session(), "");
}

TEST_F(PostgresTransactions, AScriptRunsInItsTransaction) {
  const auto tx = database().begin();
  database().run_script(*tx, sql("CREATE TABLE {kinbox}.a (); CREATE TABLE {kinbox}.b ();"));
  tx->rollback();
  EXPECT_EQ(admin("SELECT to_regclass('{kinbox}.a')"), "");
}

TEST_F(PostgresTransactions, AScriptThatFailsNamesTheLine) {
  const auto tx = database().begin();
  EXPECT_THAT([&] { database().run_script(*tx, "SELECT 1;\nSELECT 2;\nSELEC 3;\n"); },
              ThrowsMessage<SqlError>(HasSubstr("line 3")));
  EXPECT_THAT([&] { tx->query("SELECT 1"); }, Throws<SqlError>());
}

TEST_F(PostgresTransactions, AScriptThatEndsItsTransactionIsAnError) {
  const auto tx = database().begin();
  EXPECT_THAT([&] { database().run_script(*tx, "COMMIT"); }, Throws<TransactionMisuse>());
  EXPECT_NO_THROW(database().begin()->flush());
}

class OpenBatch : public PostgresTransactions {
 protected:
  void SetUp() override {
    PostgresTransactions::SetUp();
    if (IsSkipped() || HasFatalFailure()) return;
    const auto tx = database().begin();
    progress().create(*tx, kPartition, 0);
    claim_ = *progress().take(*tx, kPartition, "");
    tx->commit();
  }

  Progress progress() { return {"c", "me", database().dialect()}; }

  /// A transaction with an effect, and its batch open.
  std::unique_ptr<OpenTransaction> batch() {
    auto tx = database().begin();
    EXPECT_EQ(progress().open(*tx, kPartition, claim_, 1, "4712").result(),
              Progress::Opened::kOpened);
    tx->execute(insert(), 1);
    return tx;
  }

  void expect_nothing_stored() {
    EXPECT_EQ(orders(), "0");
    EXPECT_EQ(admin("SELECT next_offset FROM {kinbox}.consumer_progress"), "0");
  }

  const TopicPartition kPartition{"t", 0};
  PartitionClaim claim_;
};

TEST_F(OpenBatch, CannotBeCommitted) {
  const auto tx = batch();
  EXPECT_THAT([&] { tx->commit(); },
              Throws<SqlError>(Property(&SqlError::constraint, "only_the_dispatcher_commits")));
  expect_nothing_stored();
}

TEST_F(OpenBatch, IsCommittedOnceClosed) {
  const auto tx = batch();
  progress().close(*tx, kPartition, {.applied = 1});
  tx->commit();
  EXPECT_EQ(orders(), "1");
}

TEST_F(OpenBatch, ABlockThatCommitsFails) {
  const auto tx = batch();
  EXPECT_THROW(tx->execute("DO $$ BEGIN COMMIT; END $$").affected_rows(), SqlError);
  EXPECT_THROW(tx->commit(), SqlError);
  expect_nothing_stored();
}

TEST_F(OpenBatch, AProcedureThatCommitsFails) {
  admin("CREATE PROCEDURE {kinbox}.sneaky() LANGUAGE plpgsql AS $$ BEGIN COMMIT; END $$");
  const auto tx = batch();
  EXPECT_THROW(tx->execute(sql("CALL {kinbox}.sneaky()")).affected_rows(), SqlError);
  EXPECT_THROW(tx->commit(), SqlError);
  expect_nothing_stored();
}

// A script is the only way past the refusal of the keyword: what is left then is the constraint.
TEST_F(OpenBatch, ACommitThatGetsThroughToTheServerFails) {
  const auto tx = batch();
  EXPECT_THAT([&] { database().run_script(*tx, "COMMIT"); },
              Throws<SqlError>(Property(&SqlError::constraint, "only_the_dispatcher_commits")));
  expect_nothing_stored();
}

TEST_F(OpenBatch, MakingAllConstraintsImmediateFails) {
  const auto tx = batch();
  EXPECT_THAT([&] { tx->execute("SET CONSTRAINTS ALL IMMEDIATE").affected_rows(); },
              ThrowsSqlState("23503"));
  EXPECT_THROW(tx->commit(), SqlError);
  expect_nothing_stored();
}

}  // namespace
}  // namespace kinbox::testing

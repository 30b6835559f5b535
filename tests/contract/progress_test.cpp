#include "kinbox/progress.hpp"

#include <SQLiteCpp/SQLiteCpp.h>
#include <gmock/gmock.h>
#include <sqlite3.h>

#include <future>
#include <pqxx/pqxx>

#include "kinbox/errors.hpp"
#include "kinbox/postgres/native.hpp"
#include "kinbox/sqlite/native.hpp"
#include "support/eventually.hpp"
#include "support/test_database.hpp"

namespace kinbox::testing {
namespace {

using Opened = Progress::Opened;

const TopicPartition kOrders{"orders", 3};

class ProgressContract : public DatabaseContract {
 protected:
  void prepare() override {
    DatabaseContract::prepare();
    script("CREATE TABLE {kinbox}.effects (id BIGINT PRIMARY KEY)");
    const auto tx = database().begin();
    mine().create(*tx, kOrders, 100);
    tx->commit();
  }

  Progress progress(const std::string& owner) {
    return Progress("email", owner, database().dialect());
  }
  Progress mine() { return progress("me"); }

  PartitionClaim take(const std::string& owner = "me") {
    const auto tx = database().begin();
    const auto claim = progress(owner).take(*tx, kOrders, "4711");
    tx->commit();
    return claim.value();
  }
  Opened try_open(const PartitionClaim& claim, const std::string& owner = "me") {
    const auto tx = database().begin();
    return progress(owner).open(*tx, kOrders, claim, claim.next_offset + 1, "4712").result();
  }
  std::string sql(std::string_view text) { return database().dialect().render(text); }
  void write_effect(OpenTransaction& tx) {
    tx.execute(sql("INSERT INTO {kinbox}.effects VALUES (1)"));
  }
  std::int64_t effects() { return number("SELECT count(*) FROM {kinbox}.effects"); }
  std::int64_t column(const std::string& name) {
    return number("SELECT " + name + " FROM {kinbox}.consumer_progress");
  }

  /// A transaction with an open batch and an effect: nobody's COMMIT may store it.
  std::unique_ptr<OpenTransaction> open_batch() {
    const auto claim = take();
    auto tx = database().begin();
    EXPECT_EQ(mine().open(*tx, kOrders, claim, 101, "4712").result(), Opened::kOpened);
    write_effect(*tx);
    return tx;
  }
  void expect_nothing_stored() {
    EXPECT_EQ(effects(), 0);
    EXPECT_EQ(column("next_offset"), 100);
  }
};

TEST_P(ProgressContract, APositionIsCreatedOnce) {
  const auto tx = database().begin();
  mine().create(*tx, kOrders, 555);
  EXPECT_EQ(mine().take(*tx, kOrders, "")->next_offset, 100);
}

TEST_P(ProgressContract, WhatHasNoPositionCannotBeTaken) {
  const auto tx = database().begin();
  EXPECT_FALSE(mine().take(*tx, {"orders", 4}, ""));
  EXPECT_FALSE(mine().take(*tx, {"Orders", 3}, ""));
  EXPECT_FALSE(Progress("stock", "me", database().dialect()).take(*tx, kOrders, ""));
}

TEST_P(ProgressContract, EveryTakingHasAnEpochOfItsOwn) {
  const auto first = take("me");
  const auto second = take("you");
  EXPECT_EQ(second.epoch, first.epoch + 1);
  EXPECT_EQ(second.next_offset, 100);
  EXPECT_EQ(column("epoch"), second.epoch);
}

TEST_P(ProgressContract, TakingNotesWhoAndClearsAHalt) {
  const auto claim = take();
  auto tx = database().begin();
  mine().halt(*tx, kOrders, claim, "broken");
  tx->commit();
  take("you");
  tx = database().begin();
  const auto rows = tx->query(
      sql("SELECT owner, owner_session, state, state_reason FROM {kinbox}.consumer_progress"));
  EXPECT_EQ(rows[0].get<std::string>("owner"), "you");
  EXPECT_EQ(rows[0].get<std::string>("owner_session"), "4711");
  EXPECT_EQ(rows[0].get<std::string>("state"), "running");
  EXPECT_EQ(rows[0].get<std::string>("state_reason"), "");
}

TEST_P(ProgressContract, ABatchMovesThePositionAndItsCounters) {
  auto claim = take();
  for (int round = 1; round <= 2; ++round) {
    const auto tx = database().begin();
    ASSERT_EQ(mine().open(*tx, kOrders, claim, claim.next_offset + 21, "4712").result(),
              Opened::kOpened);
    mine().close(*tx, kOrders,
                 {.applied = 1, .duplicates = 2, .parked = 3, .dead = 4, .skipped = 5, .gaps = 6});
    tx->commit();
    claim.next_offset += 21;
    EXPECT_EQ(column("next_offset"), 100 + 21 * round);
    EXPECT_EQ(column("applied"), 1 * round);
    EXPECT_EQ(column("duplicates"), 2 * round);
    EXPECT_EQ(column("parked"), 3 * round);
    EXPECT_EQ(column("dead"), 4 * round);
    EXPECT_EQ(column("skipped"), 5 * round);
    EXPECT_EQ(column("gaps"), 6 * round);
    EXPECT_EQ(column("CAST(owner_session AS INTEGER)"), 4712) << "of the connection it is now";
  }
  EXPECT_EQ(column("first_offset"), 100);
}

TEST_P(ProgressContract, ARolledBackBatchLeavesThePosition) {
  open_batch()->rollback();
  expect_nothing_stored();
  EXPECT_EQ(try_open(take()), Opened::kOpened);
}

TEST_P(ProgressContract, AnotherOwnersEpochIsMissed) {
  const auto old = take("me");
  take("you");
  EXPECT_EQ(try_open(old, "me"), Opened::kMissed);
}

TEST_P(ProgressContract, AnOlderClaimOfTheSameOwnerIsMissed) {
  const auto old = take("me");
  take("me");
  EXPECT_EQ(try_open(old, "me"), Opened::kMissed);
}

TEST_P(ProgressContract, ARepeatedEpochOfAnotherOwnerIsMissed) {
  const auto claim = take("me");
  // A restore from backup: the same numbers, taken by somebody else.
  script("UPDATE {kinbox}.consumer_progress SET owner = 'you'");
  EXPECT_EQ(try_open(claim, "me"), Opened::kMissed);
}

TEST_P(ProgressContract, AMovedPositionIsMissed) {
  auto claim = take();
  ++claim.next_offset;
  EXPECT_EQ(try_open(claim), Opened::kMissed);
  claim.next_offset -= 2;
  EXPECT_EQ(try_open(claim), Opened::kMissed);
}

TEST_P(ProgressContract, AnOperatorsChangeIsMissed) {
  const auto claim = take();
  script("UPDATE {kinbox}.consumer_progress SET control_version = control_version + 1");
  EXPECT_EQ(try_open(claim), Opened::kMissed);
  EXPECT_EQ(try_open(take()), Opened::kOpened);
}

TEST_P(ProgressContract, AnOpenBatchDelaysTheNextOwnerAndIsTheLast) {
  const auto old = take("me");
  const auto tx = database().begin();
  ASSERT_EQ(mine().open(*tx, kOrders, old, 101, "4712").result(), Opened::kOpened);
  auto next = std::async(std::launch::async, [&] {
    const auto other = connect();
    const auto theirs = other->begin();
    const auto claim = progress("you").take(*theirs, kOrders, "");
    theirs->commit();
    return claim;
  });
  ASSERT_TRUE(eventually([&] { return home().waiting() == 1; }));
  mine().close(*tx, kOrders, {.applied = 1});
  tx->commit();
  EXPECT_EQ(next.get()->next_offset, 101);
  EXPECT_EQ(try_open({.epoch = old.epoch, .next_offset = 101}, "me"), Opened::kMissed);
}

TEST_P(ProgressContract, ACountThatDoesNotAddUpIsRefused) {
  const auto tx = open_batch();
  EXPECT_THROW(
      {
        mine().close(*tx, kOrders, {.applied = 2});
        tx->flush();
      },
      SqlError);
  tx->rollback();
  expect_nothing_stored();
}

TEST_P(ProgressContract, AnOpenBatchCannotBeCommittedNotEvenByKinbox) {
  const auto tx = open_batch();
  try {
    tx->commit();
    FAIL() << "committed an open batch";
  } catch (const SqlError& error) {
    EXPECT_EQ(error.statement(), 0);
  }
  expect_nothing_stored();
}

TEST_P(ProgressContract, AHandlersCommitStoresNothing) {
  for (const auto* text : {"COMMIT", "END", "COMMIT; BEGIN"}) {
    const auto tx = open_batch();
    EXPECT_THROW(tx->execute(text), TransactionMisuse);
    EXPECT_THROW(tx->commit(), TransactionMisuse);
    expect_nothing_stored();
  }
}

/// COMMIT on the bare connection, past everything that looks at the text.
void commit_natively(OpenTransaction& tx, bool is_sqlite) {
  if (is_sqlite) {
    auto* connection = sqlite::native(tx).getHandle();
    sqlite3_set_authorizer(connection, nullptr, nullptr);
    sqlite3_exec(connection, "COMMIT", nullptr, nullptr, nullptr);
    sqlite3_exec(connection, "BEGIN", nullptr, nullptr, nullptr);
  } else {
    try {
      postgres::native(tx).exec("COMMIT; BEGIN");
    } catch (const pqxx::failure&) {
    }
  }
}

TEST_P(ProgressContract, ACommitPastEveryGuardStoresNothing) {
  const auto tx = open_batch();
  commit_natively(*tx, is_sqlite());
  EXPECT_ANY_THROW(tx->commit());
  expect_nothing_stored();
}

TEST_P(ProgressContract, AScriptsCommitStoresNothing) {
  const auto tx = open_batch();
  EXPECT_THROW(database().run_script(*tx, "COMMIT; BEGIN"), SqlError);
  EXPECT_THROW(tx->commit(), SqlError);
  expect_nothing_stored();
}

TEST_P(ProgressContract, HaltAndLeaveAreTheOwnersAlone) {
  const auto old = take("me");
  const auto current = take("you");
  auto tx = database().begin();
  mine().halt(*tx, kOrders, old, "too late");
  mine().leave(*tx, kOrders, old);
  tx->commit();
  EXPECT_EQ(number("SELECT count(*) FROM {kinbox}.consumer_progress WHERE state = 'running' AND "
                   "NOT clean_stop"),
            1);
  tx = database().begin();
  progress("you").halt(*tx, kOrders, current, "a reason");
  progress("you").leave(*tx, kOrders, current);
  tx->commit();
  EXPECT_EQ(number("SELECT count(*) FROM {kinbox}.consumer_progress WHERE state = 'halted' AND "
                   "state_reason = 'a reason' AND clean_stop"),
            1);
}

TEST_P(ProgressContract, PartitionsAndConsumersHavePositionsOfTheirOwn) {
  const TopicPartition other{"orders", 4};
  const Progress stock("stock", "me", database().dialect());
  auto tx = database().begin();
  mine().create(*tx, other, 0);
  stock.create(*tx, kOrders, 7);
  tx->commit();
  const auto claim = take();
  tx = database().begin();
  ASSERT_EQ(mine().open(*tx, kOrders, claim, 101, "4712").result(), Opened::kOpened);
  mine().close(*tx, kOrders, {.applied = 1});
  tx->commit();
  EXPECT_EQ(number("SELECT next_offset FROM {kinbox}.consumer_progress WHERE partition = 4"), 0);
  EXPECT_EQ(number("SELECT next_offset FROM {kinbox}.consumer_progress WHERE consumer = 'stock'"),
            7);
}

/// What only PostgreSQL has: procedural code and SET CONSTRAINTS.
class PostgresProgress : public ProgressContract {};

/// Ways to COMMIT that no look at the first keyword finds.
std::vector<std::string> hidden_commits() {
  return {"DO $$ BEGIN COMMIT; END $$", "CALL {kinbox}.commits()",
          "DO $$ BEGIN EXECUTE 'COMMIT'; END $$", "SET CONSTRAINTS ALL IMMEDIATE"};
}

TEST_P(PostgresProgress, ACommitInsideProceduralCodeStoresNothing) {
  script(
      "CREATE PROCEDURE {kinbox}.commits() LANGUAGE plpgsql AS $$ BEGIN COMMIT; INSERT INTO "
      "{kinbox}.effects VALUES (2); END $$");
  for (const auto& text : hidden_commits()) {
    const auto tx = open_batch();
    EXPECT_THROW(
        {
          tx->execute(sql(text));
          tx->flush();
        },
        SqlError)
        << text;
    EXPECT_THROW(tx->commit(), SqlError) << text;
    expect_nothing_stored();
  }
}

TEST_P(PostgresProgress, DeferringConstraintsAgainDoesNotOpenTheGuard) {
  const auto tx = open_batch();
  tx->execute("SET CONSTRAINTS ALL DEFERRED");
  EXPECT_THROW(tx->commit(), SqlError);
  expect_nothing_stored();
}

}  // namespace

INSTANTIATE_TEST_SUITE_P(On, PostgresProgress, ::testing::Values(postgres_kind()),
                         [](const auto& kind) { return kind.param.name; });
KINBOX_FOR_ALL_DATABASES(ProgressContract);

}  // namespace kinbox::testing

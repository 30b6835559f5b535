#include <gmock/gmock.h>

#include <limits>

#include "kinbox/errors.hpp"
#include "support/test_database.hpp"

namespace kinbox::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::UnorderedElementsAre;

class TransactionContract : public DatabaseContract {
 protected:
  void prepare() override {
    DatabaseContract::prepare();
    script(
        "CREATE TABLE {kinbox}.orders (id BIGINT PRIMARY KEY, note TEXT CHECK (note <> 'bad'));"
        "CREATE TABLE {kinbox}.lines (id BIGINT PRIMARY KEY, order_id BIGINT, FOREIGN KEY "
        "(order_id) REFERENCES " +
        std::string(is_sqlite() ? "" : "{kinbox}.") + "orders (id) DEFERRABLE INITIALLY DEFERRED)");
    insert_ = sql("INSERT INTO {kinbox}.orders (id, note) VALUES ($1, $2)");
    insert_line_ = sql("INSERT INTO {kinbox}.lines (id, order_id) VALUES ($1, $2)");
  }

  std::string sql(std::string_view text) { return database().dialect().render(text); }
  std::int64_t orders() { return number("SELECT count(*) FROM {kinbox}.orders"); }

  std::string insert_;
  std::string insert_line_;
};

TEST_P(TransactionContract, CommitMakesEverythingVisibleTogether) {
  const auto tx = database().begin();
  tx->execute(insert_, 1, "one");
  tx->execute(insert_, 2, "two");
  tx->commit();
  EXPECT_EQ(orders(), 2);
}

TEST_P(TransactionContract, DestructionWithoutCommitStoresNothing) {
  database().begin()->execute(insert_, 1, "one");
  EXPECT_EQ(orders(), 0);
}

TEST_P(TransactionContract, RollbackStoresNothingAndFreesTheConnection) {
  const auto tx = database().begin();
  tx->execute(insert_, 1, "one");
  tx->rollback();
  const auto next = database().begin();
  next->execute(insert_, 2, "two");
  next->commit();
  EXPECT_EQ(number("SELECT sum(id) FROM {kinbox}.orders"), 2);
}

TEST_P(TransactionContract, NothingWorksAfterTheEnd) {
  const auto committed = database().begin();
  committed->commit();
  EXPECT_THROW(committed->execute(insert_, 1, "late"), TransactionMisuse);
  EXPECT_THROW(committed->commit(), TransactionMisuse);
  const auto rolled_back = database().begin();
  rolled_back->rollback();
  EXPECT_THROW(rolled_back->query("SELECT 1"), TransactionMisuse);
  EXPECT_THROW(rolled_back->commit(), TransactionMisuse);
  EXPECT_EQ(orders(), 0);
}

TEST_P(TransactionContract, ASecondBeginOnOneConnectionIsRefused) {
  const auto tx = database().begin();
  EXPECT_THROW(database().begin(), ConfigurationError);
  tx->execute(insert_, 1, "the first goes on");
  tx->commit();
  EXPECT_EQ(orders(), 1);
}

TEST_P(TransactionContract, ATransactionMayOutliveItsDatabase) {
  auto other = connect();
  const auto tx = other->begin();
  other.reset();
  tx->execute(insert_, 1, "one");
  tx->commit();
  EXPECT_EQ(orders(), 1);
}

TEST_P(TransactionContract, CommitTellsWhenItIsSent) {
  int sent = 0;
  const auto tx = database().begin();
  tx->execute(insert_, 1, "one");
  tx->commit([&] { ++sent; });
  EXPECT_EQ(sent, 1);
}

TEST_P(TransactionContract, ADoomedTransactionSendsNoCommit) {
  int sent = 0;
  const auto tx = database().begin();
  EXPECT_ANY_THROW(tx->query("SELECT nothing FROM nowhere"));
  EXPECT_THROW(tx->commit([&] { ++sent; }), SqlError);
  EXPECT_EQ(sent, 0);
}

TEST_P(TransactionContract, AQuerySeesWhatWasWrittenBefore) {
  const auto tx = database().begin();
  tx->execute(insert_, 1, "one");
  const auto rows = tx->query(sql("SELECT note FROM {kinbox}.orders WHERE id = $1"), 1);
  ASSERT_EQ(rows.size(), 1u);
  EXPECT_EQ(rows[0].get<std::string>("note"), "one");
}

TEST_P(TransactionContract, AffectedRowsAreTheStatementsOwn) {
  const auto tx = database().begin();
  const auto first = tx->execute(insert_, 1, "one");
  tx->execute(insert_, 2, "two");
  const auto both = tx->execute(sql("UPDATE {kinbox}.orders SET note = $1"), "new");
  const auto ddl = tx->execute("CREATE TEMPORARY TABLE scratch (id INTEGER)");
  const auto none = tx->execute(sql("DELETE FROM {kinbox}.orders WHERE id = $1"), 99);
  EXPECT_EQ(ddl.affected_rows(), 0);
  EXPECT_EQ(none.affected_rows(), 0);
  EXPECT_EQ(both.affected_rows(), 2);
  EXPECT_EQ(first.affected_rows(), 1);
}

TEST_P(TransactionContract, AConflictThatTheStatementForeseesIsNoError) {
  const auto tx = database().begin();
  const auto upsert = insert_ + " ON CONFLICT (id) DO NOTHING";
  EXPECT_EQ(tx->execute(upsert, 1, "one").affected_rows(), 1);
  EXPECT_EQ(tx->execute(upsert, 1, "again").affected_rows(), 0);
  tx->commit();
  EXPECT_EQ(orders(), 1);
}

TEST_P(TransactionContract, EveryTypeComesBackAsItWent) {
  script(std::string("CREATE TABLE {kinbox}.things (n BIGINT, whole BIGINT, least BIGINT, real ") +
         "DOUBLE PRECISION, flag BOOLEAN, words TEXT, raw " + (is_sqlite() ? "BLOB" : "bytea") +
         ")");
  constexpr auto kMost = std::numeric_limits<std::int64_t>::max();
  constexpr auto kLeast = std::numeric_limits<std::int64_t>::min();
  const std::string words = "Gr\xc3\xbc\xc3\x9f' \" \\ $1 {} \xf0\x9f\x98\x80";
  const ByteVector raw{std::byte{0}, std::byte{255}, std::byte{'\\'}, std::byte{'x'}};
  const auto tx = database().begin();
  tx->execute(sql("INSERT INTO {kinbox}.things VALUES ($1, $2, $3, $4, $5, $6, $7)"), nullptr,
              kMost, kLeast, 0.1, true, words, raw);
  const auto rows = tx->query(sql("SELECT * FROM {kinbox}.things"));
  const auto row = rows[0];
  EXPECT_EQ(row.get<std::optional<std::int64_t>>("n"), std::nullopt);
  EXPECT_EQ(row.get<std::int64_t>("whole"), kMost);
  EXPECT_EQ(row.get<std::int64_t>("least"), kLeast);
  EXPECT_EQ(row.get<double>("real"), 0.1);
  EXPECT_TRUE(row.get<bool>("flag"));
  EXPECT_EQ(row.get<std::string>("words"), words);
  EXPECT_EQ(row.get<ByteVector>("raw"), raw);
}

TEST_P(TransactionContract, EmptyIsNotNull) {
  script(std::string("CREATE TABLE {kinbox}.things (words TEXT, raw ") +
         (is_sqlite() ? "BLOB" : "bytea") + ")");
  const auto tx = database().begin();
  tx->execute(sql("INSERT INTO {kinbox}.things VALUES ($1, $2)"), std::string_view{}, Bytes{});
  const auto rows = tx->query(sql("SELECT * FROM {kinbox}.things"));
  EXPECT_EQ(rows[0].get<std::optional<std::string>>("words"), "");
  EXPECT_EQ(rows[0].get<std::optional<ByteVector>>("raw"), ByteVector{});
}

TEST_P(TransactionContract, TextThatIsNoTextIsAnError) {
  for (const std::string_view text : {std::string_view("a\0b", 3), std::string_view("a\xff"),
                                      std::string_view("\xed\xa0\x80"), std::string_view("\xc3")})
    EXPECT_THROW(database().begin()->query(insert_, 1, text), SqlError) << text;
}

TEST_P(TransactionContract, PlaceholdersGoByNumber) {
  const auto tx = database().begin();
  const auto rows = tx->query(
      "SELECT CAST($2 AS TEXT) AS second, CAST($1 AS TEXT) AS first, CAST($2 AS TEXT) AS again",
      "one", "two");
  EXPECT_EQ(rows[0].get<std::string>("first"), "one");
  EXPECT_EQ(rows[0].get<std::string>("second"), "two");
  EXPECT_EQ(rows[0].get<std::string>("again"), "two");
}

TEST_P(TransactionContract, AnArgumentTooFewOrTooManyIsAnError) {
  EXPECT_THROW(database().begin()->query(insert_, 1), SqlError);
  EXPECT_THROW(database().begin()->query(insert_, 1, "one", 2), SqlError);
  EXPECT_THROW(database().begin()->query("SELECT 1", 1), SqlError);
}

TEST_P(TransactionContract, APreparedStatementCanRunAgainAfterItFailed) {
  for (int round = 0; round < 2; ++round) {
    const auto tx = database().begin();
    EXPECT_THROW(tx->query(insert_, 1, "bad"), SqlError);
  }
  const auto tx = database().begin();
  tx->execute(insert_, 1, "good");
  tx->commit();
  EXPECT_EQ(orders(), 1);
}

TEST_P(TransactionContract, AStatementMeetsTheSchemaAsItIsNow) {
  const auto all = sql("SELECT * FROM {kinbox}.orders");
  EXPECT_EQ(database().begin()->query(all).columns().size(), 2u);
  script("ALTER TABLE {kinbox}.orders ADD COLUMN more BIGINT");
  for (int attempt = 0; attempt < 2; ++attempt) {
    try {
      EXPECT_EQ(database().begin()->query(all).columns().size(), 3u);
      return;
    } catch (const Error&) {
      // PostgreSQL may refuse the old plan once ("cached plan must not change result type").
      ASSERT_EQ(attempt, 0);
    }
  }
}

TEST_P(TransactionContract, BulkRunsForEveryRowAndGivesWhatCameBack) {
  const BulkStatement bulk{
      .for_each_row = insert_ + " ON CONFLICT (id) DO NOTHING RETURNING id",
      .for_all_rows = sql("INSERT INTO {kinbox}.orders (id, note) SELECT * FROM "
                          "unnest($1::bigint[], $2::text[]) ON CONFLICT (id) DO NOTHING "
                          "RETURNING id")};
  const auto tx = database().begin();
  tx->execute(insert_, 2, "is there");
  const std::vector<SqlParam> rows{1, "one", 2, nullptr, 3, nullptr};
  std::vector<std::int64_t> ids;
  for (const auto row : tx->query_bulk(bulk, rows, 2)) ids.push_back(row.get<std::int64_t>("id"));
  EXPECT_THAT(ids, UnorderedElementsAre(1, 3));
  tx->commit();
  EXPECT_EQ(number("SELECT count(*) FROM {kinbox}.orders WHERE note IS NULL"), 1);
}

TEST_P(TransactionContract, AnErrorDoomsTheTransactionEvenIfSwallowed) {
  const auto tx = database().begin();
  tx->execute(insert_, 1, "one");
  EXPECT_THROW(tx->query(insert_, 1, "twice"), SqlError);
  EXPECT_THROW(tx->execute(insert_, 2, "two"), SqlError);
  EXPECT_THROW(tx->query("SELECT 1"), SqlError);
  EXPECT_THROW(tx->flush(), SqlError);
  EXPECT_THROW(tx->commit(), SqlError);
  EXPECT_EQ(orders(), 0);
}

TEST_P(TransactionContract, AnErrorNamesStatementCodeAndConstraint) {
  const auto tx = database().begin();
  tx->query("SELECT 1");
  try {
    tx->execute(insert_, 1, "bad");
    tx->execute(insert_, 2, "two");
    tx->flush();
    FAIL() << "the CHECK did not fail";
  } catch (const SqlError& error) {
    EXPECT_EQ(error.statement(), 2);
    EXPECT_EQ(error.code(), is_sqlite() ? "SQLITE_CONSTRAINT_CHECK" : "23514");
    EXPECT_THAT(error.constraint(), Not(::testing::IsEmpty()));
    EXPECT_THAT(error.what(), HasSubstr("constraint"));
  }
}

TEST_P(TransactionContract, AnErrorThatNobodyReadSurfacesAtCommit) {
  const auto tx = database().begin();
  try {
    tx->execute(insert_, 1, "bad");
  } catch (const SqlError&) {
    // At once on SQLite; later where statements are only handed over.
  }
  EXPECT_THROW(tx->commit(), SqlError);
  EXPECT_EQ(orders(), 0);
}

TEST_P(TransactionContract, ADeferredConstraintFailsCommitAndNobodyIsBlamedByNumber) {
  const auto tx = database().begin();
  tx->execute(insert_, 1, "one");
  tx->execute(insert_line_, 1, 404);
  try {
    tx->commit();
    FAIL() << "committed a line without order";
  } catch (const SqlError& error) {
    EXPECT_EQ(error.statement(), 0);
  }
  EXPECT_EQ(orders(), 0);
  const auto next = database().begin();
  next->execute(insert_, 1, "one");
  next->execute(insert_line_, 1, 1);
  next->commit();
  EXPECT_EQ(orders(), 1);
}

TEST_P(TransactionContract, SavepointsStayInsideTheTransaction) {
  const auto tx = database().begin();
  tx->execute(insert_, 1, "one");
  tx->execute("SAVEPOINT here");
  tx->execute(insert_, 2, "two");
  tx->execute("ROLLBACK TO SAVEPOINT here");
  tx->execute("RELEASE SAVEPOINT here");
  tx->execute(insert_, 3, "three");
  tx->commit();
  EXPECT_EQ(number("SELECT sum(id) FROM {kinbox}.orders"), 4);
}

TEST_P(TransactionContract, SeveralStatementsInOneTextAreRefused) {
  for (const auto* tail : {"; COMMIT", "; COMMIT; BEGIN", "; SELECT 1"}) {
    const auto tx = database().begin();
    EXPECT_THROW(tx->query(sql("INSERT INTO {kinbox}.orders (id) VALUES (1)") + tail), SqlError)
        << tail;
    EXPECT_THROW(tx->commit(), SqlError);
  }
  EXPECT_EQ(orders(), 0);
}

TEST_P(TransactionContract, ATrailingSemicolonOrCommentIsNoSecondStatement) {
  const auto tx = database().begin();
  tx->execute(sql("INSERT INTO {kinbox}.orders (id) VALUES (1) ; "));
  tx->execute(sql("INSERT INTO {kinbox}.orders (id) VALUES (2); -- done"));
  tx->commit();
  EXPECT_EQ(orders(), 2);
}

TEST_P(TransactionContract, HandlersCannotEndOrNestTheTransaction) {
  for (const auto* text :
       {"COMMIT", "commit work", "END", "ROLLBACK", "ABORT", "BEGIN", "START TRANSACTION",
        "PREPARE TRANSACTION 'x'", "COMMIT; BEGIN", "/* a /* nested */ b */ COMMIT",
        "-- comment\n COMMIT", " ; COMMIT", "ROLLBACK AND CHAIN"}) {
    const auto tx = database().begin();
    tx->execute(insert_, 1, "one");
    EXPECT_THROW(tx->execute(text), TransactionMisuse) << text;
    EXPECT_THROW(tx->execute(insert_, 2, "two"), TransactionMisuse) << text;
    EXPECT_THROW(tx->commit(), TransactionMisuse) << text;
  }
  EXPECT_EQ(orders(), 0);
}

TEST_P(TransactionContract, AScriptThatFailsDoomsItsTransaction) {
  const auto tx = database().begin();
  EXPECT_THROW(database().run_script(*tx, sql("CREATE TABLE {kinbox}.fine (id BIGINT); BROKEN")),
               SqlError);
  EXPECT_THROW(tx->commit(), SqlError);
  EXPECT_NO_THROW(script("CREATE TABLE {kinbox}.fine (id BIGINT)"));
}

TEST_P(TransactionContract, UncommittedWorkIsInvisibleToOthers) {
  const auto tx = database().begin();
  tx->execute(insert_, 1, "one");
  tx->flush();
  if (!is_sqlite()) {
    EXPECT_EQ(orders(), 0);
  }
  tx->commit();
  EXPECT_EQ(orders(), 1);
}

}  // namespace

KINBOX_FOR_ALL_DATABASES(TransactionContract);

}  // namespace kinbox::testing

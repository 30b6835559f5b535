#include <SQLiteCpp/SQLiteCpp.h>
#include <gmock/gmock.h>
#include <sqlite3.h>

#include <cmath>

#include "kinbox/errors.hpp"
#include "kinbox/sqlite/database.hpp"
#include "kinbox/sqlite/native.hpp"
#include "support/temporary_directory.hpp"

namespace kinbox::sqlite {
namespace {

using ::testing::HasSubstr;
using ::testing::ThrowsMessage;

constexpr auto kInsert = "INSERT INTO t (id, word) VALUES ($1, $2)";

class SqliteTransaction : public ::testing::Test {
 protected:
  SqliteTransaction() {
    script(
        "CREATE TABLE t (id INTEGER PRIMARY KEY, word TEXT);"
        "CREATE TABLE plain (word TEXT);"
        "CREATE TRIGGER no_devil BEFORE INSERT ON t WHEN NEW.word = 'devil' "
        "BEGIN SELECT RAISE(ROLLBACK, 'get thee hence'); END;");
  }

  void script(const std::string& text) {
    const auto tx = database_->begin();
    database_->run_script(*tx, text);
    tx->commit();
  }
  std::int64_t rows() {
    return database_->begin()->query("SELECT count(*) FROM t")[0].get<std::int64_t>(0);
  }

  testing::TemporaryDirectory directory_;
  std::unique_ptr<Database> database_ =
      sqlite::open({.path = (directory_ / "test.db").string(), .statement_cache = 4});
};

/// What `call` throws, as T.
template <typename T, typename Call>
T thrown_by(Call call) {
  try {
    call();
  } catch (const T& error) {
    return error;
  }
  throw std::logic_error("nothing was thrown");
}

TEST_F(SqliteTransaction, OrRollbackIsNotSurvived) {
  const auto tx = database_->begin();
  tx->execute(kInsert, 1, "one");
  EXPECT_THROW(tx->execute("INSERT OR ROLLBACK INTO t VALUES ($1, $2)", 1, "again"), SqlError);
  EXPECT_THROW(tx->execute(kInsert, 2, "would commit alone"), SqlError);
  EXPECT_THROW(tx->commit(), SqlError);
  EXPECT_EQ(rows(), 0);
}

TEST_F(SqliteTransaction, RaiseRollbackIsNotSurvived) {
  const auto tx = database_->begin();
  tx->execute(kInsert, 1, "one");
  const auto error = thrown_by<SqlError>([&] { tx->execute(kInsert, 666, "devil"); });
  EXPECT_EQ(error.code(), "SQLITE_CONSTRAINT_TRIGGER");
  EXPECT_THAT(error.what(), HasSubstr("get thee hence"));
  EXPECT_THROW(tx->execute(kInsert, 2, "would commit alone"), SqlError);
  EXPECT_THROW(tx->commit(), SqlError);
  EXPECT_EQ(rows(), 0);
}

/// Lets the file grow by one page more, as on a disk that is about to be full.
void fill_disk(Transaction& tx) {
  auto& connection = native(tx);
  sqlite3_set_authorizer(connection.getHandle(), nullptr, nullptr);
  const int pages = connection.execAndGet("PRAGMA page_count").getInt();
  connection.execAndGet("PRAGMA max_page_count = " + std::to_string(pages + 1));
}

/// The transaction ends where the driver does not see it.
void end_silently(Transaction& tx) {
  try {
    native(tx).exec("INSERT OR ROLLBACK INTO t VALUES (1, 'again')");
  } catch (const SQLite::Exception&) {
  }
}

TEST_F(SqliteTransaction, AWriteAfterASilentEndIsNotStored) {
  const auto tx = database_->begin();
  tx->execute(kInsert, 1, "one");
  end_silently(*tx);
  EXPECT_THAT([&] { tx->execute(kInsert, 2, "would commit alone"); },
              ThrowsMessage<TransactionMisuse>(HasSubstr("has ended the batch's transaction")));
  tx->rollback();
  EXPECT_EQ(rows(), 0);
}

TEST_F(SqliteTransaction, AQueryOrBulkOrScriptAfterASilentEndIsNotRun) {
  for (int kind = 0; kind < 3; ++kind) {
    const auto tx = database_->begin();
    tx->execute(kInsert, 1, "one");
    end_silently(*tx);
    const std::vector<SqlParam> row{2, "two"};
    const auto call = [&] {
      if (kind == 0) tx->query(kInsert, 2, "two");
      if (kind == 1) tx->query_bulk({kInsert, {}}, row, 2);
      if (kind == 2) database_->run_script(*tx, "INSERT INTO t VALUES (2, 'two')");
    };
    EXPECT_THROW(call(), TransactionMisuse) << kind;
    tx->rollback();
    EXPECT_EQ(rows(), 0) << kind;
  }
}

TEST_F(SqliteTransaction, ASilentEndIsSeenAtFlushAndCommit) {
  auto tx = database_->begin();
  tx->execute(kInsert, 1, "one");
  end_silently(*tx);
  EXPECT_THROW(tx->flush(), TransactionMisuse);
  tx.reset();
  tx = database_->begin();
  tx->execute(kInsert, 1, "one");
  end_silently(*tx);
  bool sent = false;
  EXPECT_THROW(tx->commit([&] { sent = true; }), TransactionMisuse);
  EXPECT_FALSE(sent);
}

TEST_F(SqliteTransaction, ASilentEndIsKnownAtOnce) {
  const auto tx = database_->begin();
  tx->execute(kInsert, 1, "one");
  EXPECT_EQ(tx->known_failure(), nullptr);
  end_silently(*tx);
  EXPECT_THAT([&] { std::rethrow_exception(tx->known_failure()); },
              ThrowsMessage<TransactionMisuse>(HasSubstr("SQLITE_CONSTRAINT")));
}

TEST_F(SqliteTransaction, AFullDiskMetNativelyIsNobodysFault) {
  const auto tx = database_->begin();
  fill_disk(*tx);
  EXPECT_THROW(native(*tx).exec("INSERT INTO plain VALUES (zeroblob(20000))"), SQLite::Exception);
  EXPECT_THROW(std::rethrow_exception(tx->known_failure()), InfrastructureError);
}

TEST_F(SqliteTransaction, AStatementThatSucceedsAndEndsTheTransactionIsAnError) {
  const auto tx = database_->begin();
  tx->execute(kInsert, 1, "one");
  auto& connection = native(*tx);
  connection.createFunction("end_silently", 0, false, connection.getHandle(),
                            [](sqlite3_context* context, int, sqlite3_value**) {
                              auto* db = static_cast<sqlite3*>(sqlite3_user_data(context));
                              sqlite3_exec(db, "INSERT OR ROLLBACK INTO t VALUES (1, '')", nullptr,
                                           nullptr, nullptr);
                              sqlite3_result_int(context, 1);
                            });
  EXPECT_THROW(tx->query("SELECT end_silently()"), TransactionMisuse);
}

TEST_F(SqliteTransaction, AFullDiskIsNobodysFaultAndNotSurvived) {
  const auto tx = database_->begin();
  fill_disk(*tx);
  tx->execute("INSERT INTO plain VALUES ($1)", "small");
  EXPECT_THAT([&] { tx->execute("INSERT INTO plain VALUES ($1)", std::string(10'000, 'x')); },
              ThrowsMessage<InfrastructureError>(HasSubstr("SQLITE_FULL")));
  EXPECT_NE(sqlite3_get_autocommit(native(*tx).getHandle()), 0) << "SQLite has not rolled back";
  EXPECT_THROW(tx->execute("INSERT INTO plain VALUES ($1)", "alone"), InfrastructureError);
  EXPECT_THROW(tx->commit(), InfrastructureError);
  EXPECT_TRUE(database_->begin()->query("SELECT * FROM plain").empty());
}

TEST_F(SqliteTransaction, StatementsBeyondTheTransactionAreDenied) {
  for (const auto* text : {"ATTACH ':memory:' AS other", "DETACH main", "PRAGMA synchronous = OFF",
                           "PRAGMA foreign_keys", "SELECT * FROM pragma_foreign_key_list('t')"}) {
    const auto tx = database_->begin();
    EXPECT_THAT([&] { tx->query(text); }, ThrowsMessage<TransactionMisuse>(HasSubstr("refused")))
        << text;
    EXPECT_THROW(tx->commit(), TransactionMisuse) << text;
  }
}

TEST_F(SqliteTransaction, KinboxMayCheckTheFileAndHandlersMayNot) {
  const std::string whole = "PRAGMA main.integrity_check(5)";
  const std::string references = "PRAGMA main.foreign_key_check";
  const auto looking = database_->begin();
  EXPECT_EQ(looking->query(whole)[0].get<std::string>(0), "ok");
  EXPECT_TRUE(looking->query(references).empty());
  looking->rollback();
  for (const auto& text : {whole, references}) {
    const auto tx = database_->begin();
    tx->set_origin(OpenTransaction::Origin::kHandler);
    EXPECT_THROW(tx->query(text), TransactionMisuse) << text;
  }
}

TEST_F(SqliteTransaction, NativeAccessIsDeniedTheSame) {
  const auto tx = database_->begin();
  for (const auto* text : {"COMMIT", "ROLLBACK", "BEGIN", "END", "ATTACH ':memory:' AS other",
                           "PRAGMA foreign_keys = OFF"})
    EXPECT_THAT([&] { native(*tx).exec(text); },
                ThrowsMessage<SQLite::Exception>(HasSubstr("not authorized")))
        << text;
  native(*tx).exec("INSERT INTO t VALUES (1, 'native')");
  tx->commit();
  EXPECT_EQ(rows(), 1);
}

TEST_F(SqliteTransaction, AScriptMayNotEndItsTransactionEither) {
  const auto tx = database_->begin();
  EXPECT_THROW(database_->run_script(*tx, "INSERT INTO t VALUES (1, ''); COMMIT"),
               TransactionMisuse);
  EXPECT_THROW(tx->commit(), TransactionMisuse);
  EXPECT_EQ(rows(), 0);
}

TEST_F(SqliteTransaction, ADenialNamesWhatWasDenied) {
  EXPECT_THAT([&] { database_->begin()->query("ATTACH ':memory:' AS y"); },
              ThrowsMessage<TransactionMisuse>(HasSubstr("ATTACH")));
}

TEST_F(SqliteTransaction, ErrorsCarryTheExtendedCodeAndTheConstraint) {
  const auto tx = database_->begin();
  tx->execute(kInsert, 1, "one");
  const auto error = thrown_by<SqlError>([&] { tx->execute(kInsert, 1, "again"); });
  EXPECT_EQ(error.code(), "SQLITE_CONSTRAINT_PRIMARYKEY");
  EXPECT_EQ(error.constraint(), "t.id");
  EXPECT_EQ(error.statement(), 2);
}

TEST_F(SqliteTransaction, OtherPlaceholdersAreRefusedWithTheWayOut) {
  for (const auto* text : {"SELECT ?", "SELECT ?1", "SELECT :one", "SELECT @one", "SELECT $one",
                           "SELECT $01", "SELECT $99999999999999999999"})
    EXPECT_THAT([&] { database_->begin()->query(text, 1); },
                ThrowsMessage<SqlError>(HasSubstr("write $1, $2")))
        << text;
  EXPECT_THAT([&] { database_->begin()->query("SELECT $1::text", 1); },
              ThrowsMessage<SqlError>(HasSubstr("CAST($1 AS type)")));
  EXPECT_THAT([&] { database_->begin()->query("SELECT $1, $3", 1, 2, 3); },
              ThrowsMessage<SqlError>(HasSubstr("without gaps")));
}

TEST_F(SqliteTransaction, AnEmptyTextIsAnError) {
  for (const auto* text : {"", "  ", "-- nothing", ";"})
    EXPECT_THROW(database_->begin()->query(text), SqlError) << text;
}

TEST_F(SqliteTransaction, NotANumberIsAnErrorInsteadOfNull) {
  EXPECT_THROW(database_->begin()->query("SELECT $1", std::nan("")), SqlError);
}

TEST_F(SqliteTransaction, MoreTextsThanTheCacheHoldsWork) {
  const auto tx = database_->begin();
  for (int round = 0; round < 3; ++round)
    for (int i = 0; i < 10; ++i)
      EXPECT_EQ(tx->query("SELECT " + std::to_string(i) + " + $1", round)[0].get<std::int64_t>(0),
                i + round);
}

TEST_F(SqliteTransaction, StatementsArePreparedOnceAndTheOldestGoFirst) {
  const auto tx = database_->begin();
  const auto prepared = [&] {
    std::vector<std::string> texts;
    for (auto* s = sqlite3_next_stmt(native(*tx).getHandle(), nullptr); s != nullptr;
         s = sqlite3_next_stmt(native(*tx).getHandle(), s))
      texts.emplace_back(sqlite3_sql(s));
    return texts;
  };
  for (int round = 0; round < 3; ++round) tx->query("SELECT 'often'");
  EXPECT_THAT(prepared(), ::testing::ElementsAre("SELECT 'often'"));
  for (const auto* text : {"SELECT 1", "SELECT 2", "SELECT 3", "SELECT 'often'", "SELECT 4"})
    tx->query(text);
  EXPECT_THAT(prepared(), ::testing::UnorderedElementsAre("SELECT 'often'", "SELECT 2", "SELECT 3",
                                                          "SELECT 4"));
}

TEST_F(SqliteTransaction, ASelectIsFinishedBeforeCommit) {
  const auto tx = database_->begin();
  tx->execute("SELECT 1 UNION ALL SELECT 2");
  tx->commit();
  EXPECT_NO_THROW(database_->begin());
}

TEST_F(SqliteTransaction, NativeOfAnotherDatabaseIsRefused) {
  class Foreign : public Transaction {
    const Dialect& dialect() const override { return dialect_; }
    void do_execute(StatementNumber, std::string_view, std::span<const SqlParam>) override {}
    Rows do_query(std::string_view, std::span<const SqlParam>) override { return {}; }
    std::int64_t do_await_affected_rows(StatementNumber) override { return 0; }
    Dialect dialect_{Backend::kPostgres, "kinbox"};
  } foreign;
  EXPECT_THROW(native(foreign), ConfigurationError);
}

}  // namespace
}  // namespace kinbox::sqlite

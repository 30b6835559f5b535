#include <pqxx/pqxx>

#include "integration/postgres_fixture.hpp"
#include "kinbox/postgres/native.hpp"
#include "kinbox/sqlite/database.hpp"
#include "postgres/transaction.hpp"
#include "support/tcp_proxy.hpp"
#include "support/temporary_directory.hpp"

namespace kinbox::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::Throws;
using ::testing::ThrowsMessage;

class PostgresNative : public PostgresTest {
 protected:
  /// Runs `sql` through libpqxx as a handler that ignores what happens.
  static void swallow(OpenTransaction& tx, const std::string& sql) {
    const HandlerScope handler(tx);
    try {
      postgres::native(tx).exec(sql);
    } catch (const std::exception&) {
    }
  }

  template <typename Failure>
  static auto is_failure(const std::string& text) {
    return [text](const std::exception_ptr& failure) {
      EXPECT_THAT([&] { std::rethrow_exception(failure); },
                  ThrowsMessage<Failure>(HasSubstr(text)));
    };
  }
};

TEST_F(PostgresNative, IsTheSameTransaction) {
  const auto tx = database().begin();
  tx->execute(insert(), 1);
  EXPECT_EQ(postgres::native(*tx).exec(sql("SELECT id FROM {kinbox}.orders"))[0][0].as<int>(), 1);
  postgres::native(*tx).exec(sql("INSERT INTO {kinbox}.orders (id) VALUES (2)"));
  EXPECT_EQ(tx->query(sql("SELECT count(*) FROM {kinbox}.orders"))[0].get<std::int64_t>(0), 2);
  EXPECT_EQ(orders(), "0");
  tx->commit();
  EXPECT_EQ(orders(), "2");
}

TEST_F(PostgresNative, IsUndoneByRollback) {
  const auto tx = database().begin();
  postgres::native(*tx).exec(sql("INSERT INTO {kinbox}.orders (id) VALUES (2)"));
  tx->rollback();
  EXPECT_EQ(orders(), "0");
}

TEST_F(PostgresNative, ServesOneTransactionAfterTheOther) {
  for (int id = 1; id <= 3; ++id) {
    const auto tx = database().begin();
    postgres::native(*tx).exec_params(sql("INSERT INTO {kinbox}.orders (id) VALUES ($1)"), id);
    tx->commit();
  }
  EXPECT_EQ(orders(), "3");
}

TEST_F(PostgresNative, StreamsMoreThanASocketTakes) {
  const auto tx = database().begin();
  tx->execute("SET LOCAL search_path = " + database().dialect().schema());
  auto& native = postgres::native(*tx);
  const std::string note(1000, 'x');
  {
#if PQXX_VERSION_MAJOR >= 7
    auto stream = pqxx::stream_to::table(native, {"orders"});
    for (int id = 0; id < 20'000; ++id) stream.write_values(id, note);
#else
    pqxx::stream_to stream(native, "orders");
    for (int id = 0; id < 20'000; ++id) stream << std::make_tuple(id, note);
#endif
    stream.complete();
  }
  tx->execute(insert(), 20'000);
  tx->commit();
  EXPECT_EQ(orders(), "20001");
}

TEST_F(PostgresNative, BlocksWhileOurOwnStatementsDoNot) {
  const auto connection = std::make_shared<postgres::Connection>(options());
  connection->run("BEGIN");
  postgres::PostgresTransaction tx(connection, database().dialect());
  postgres::native(tx).exec("SELECT 1");
  EXPECT_EQ(PQisnonblocking(connection->raw()), 0);
  tx.query("SELECT 1");
  EXPECT_EQ(PQisnonblocking(connection->raw()), 1);
}

TEST_F(PostgresNative, ErrorTextsAreTheUsualOnes) {
  const auto tx = database().begin();
  EXPECT_THAT([&] { postgres::native(*tx).exec("SELECT 1 / 0"); },
              ThrowsMessage<pqxx::sql_error>(Not(HasSubstr("LOCATION"))));
}

TEST_F(PostgresNative, AStreamLeftOpenIsRefusedByTheNextStatement) {
  {
    const auto tx = database().begin();
    tx->execute("SET LOCAL search_path = " + database().dialect().schema());
#if PQXX_VERSION_MAJOR >= 7
    auto stream = pqxx::stream_to::table(postgres::native(*tx), {"orders"});
#else
    pqxx::stream_to stream(postgres::native(*tx), "orders");
#endif
    EXPECT_THAT([&] { tx->execute(insert(), 1); }, ThrowsSqlState("kinbox_send"));
    tx->rollback();
  }
  EXPECT_NO_THROW(database().begin()->flush());
}

TEST_F(PostgresNative, ASwallowedErrorFailsTheTransaction) {
  const auto tx = database().begin();
  tx->execute(insert(), 1);
  swallow(*tx, sql("INSERT INTO {kinbox}.orders (id) VALUES (1)"));
  is_failure<SqlError>("23505")(tx->known_failure());
  EXPECT_THAT([&] { tx->execute(insert(), 2); }, ThrowsSqlState("23505"));
  EXPECT_THAT([&] { tx->commit(); }, ThrowsSqlState("23505"));
  EXPECT_EQ(orders(), "0");
}

TEST_F(PostgresNative, ASwallowedErrorIsFoundByTheNextStatementToo) {
  const auto tx = database().begin();
  swallow(*tx, "SELECT 1 / 0");
  EXPECT_THAT([&] { tx->execute(insert(), 2); }, ThrowsSqlState("22012"));
}

TEST_F(PostgresNative, ASwallowedErrorIsFoundByFlushAndByCommit) {
  {
    const auto tx = database().begin();
    swallow(*tx, "SELECT 1 / 0");
    EXPECT_THAT([&] { tx->flush(); }, ThrowsSqlState("22012"));
  }
  const auto tx = database().begin();
  swallow(*tx, "SELECT 1 / 0");
  EXPECT_THAT([&] { tx->commit(); }, ThrowsSqlState("22012"));
}

TEST_F(PostgresNative, AnErrorOfOneTransactionDoesNotFollowToTheNext) {
  {
    const auto tx = database().begin();
    swallow(*tx, "SELECT 1 / 0");
  }
  const auto tx = database().begin();
  postgres::native(*tx).exec("SELECT 1");
  EXPECT_EQ(tx->known_failure(), nullptr);
  EXPECT_NO_THROW(tx->commit());
}

TEST_F(PostgresNative, ADoomedTransactionGivesNoHandle) {
  const auto tx = database().begin();
  EXPECT_THROW(tx->query("SELECT 1 / 0"), SqlError);
  EXPECT_THAT([&] { postgres::native(*tx); }, ThrowsSqlState("22012"));
}

TEST_F(PostgresNative, AnErrorOfOurOwnStatementIsNotBlamedOnIt) {
  const auto tx = database().begin();
  postgres::native(*tx).exec("SELECT 1");
  EXPECT_THAT([&] { tx->query("SELECT 1 / 0"); },
              Throws<SqlError>(::testing::Property(&SqlError::statement, 1)));
}

TEST_F(PostgresNative, ALostConnectionIsInfrastructureWhateverTheHandlerThrows) {
  const auto tx = database().begin();
  postgres::native(*tx).exec("SELECT 1");
  terminate(*tx);
  swallow(*tx, "SELECT 1");
  is_failure<InfrastructureError>("57P01")(tx->known_failure());
}

TEST_F(PostgresNative, AConnectionResetUnderItIsInfrastructureToo) {
  TcpProxy proxy(PostgresService::get().port());
  auto remote = options();
  remote.uri = PostgresService::get().uri_at_port(proxy.port());
  const auto other = connect(remote);
  const auto tx = other->begin();
  postgres::native(*tx).exec("SELECT 1");
  proxy.reset_all();
  swallow(*tx, "SELECT 1");
  is_failure<InfrastructureError>("")(tx->known_failure());
}

TEST_F(PostgresNative, AConnectionThatIsKnownToBeLostIsInfrastructureToo) {
  const auto tx = database().begin();
  auto& native = postgres::native(*tx);
  terminate(*tx);
  EXPECT_THROW(tx->query("SELECT 1"), InfrastructureError);
  EXPECT_THROW(native.exec("SELECT 1"), pqxx::broken_connection);
}

TEST_F(PostgresNative, CannotEndOrNestTheTransaction) {
  for (const std::string statement :
       {"COMMIT", "ROLLBACK", "ROLLBACK; BEGIN", "BEGIN", "COMMIT AND CHAIN", "END"}) {
    const auto tx = database().begin();
    tx->execute(insert(), 1);
    swallow(*tx, statement);
    EXPECT_NE(tx->known_failure(), nullptr) << statement;
    EXPECT_THROW(tx->commit(), TransactionMisuse) << statement;
    run_sql(options().uri, sql("TRUNCATE {kinbox}.orders"));
  }
}

TEST_F(PostgresNative, ItsOwnCommitAndAbortDoNothing) {
  const auto tx = database().begin();
  tx->execute(insert(), 1);
  postgres::native(*tx).commit();
  EXPECT_EQ(orders(), "0");
  tx->commit();
  EXPECT_EQ(orders(), "1");
}

TEST_F(PostgresNative, AnotherDatabasesTransactionIsRefused) {
  const TemporaryDirectory directory;
  const auto sqlite = sqlite::open({.path = (directory / "kinbox.db").string()});
  const auto tx = sqlite->begin();
  EXPECT_THAT([&] { postgres::native(*tx); }, Throws<ConfigurationError>());
}

}  // namespace
}  // namespace kinbox::testing

// Statements on their way without an answer, over a real server.
#include <future>
#include <string>

#include "integration/postgres_fixture.hpp"
#include "support/tcp_proxy.hpp"

namespace kinbox::testing {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;
using ::testing::Property;
using ::testing::Throws;

class PostgresPipeline : public PostgresTest {
 protected:
  std::string insert_note() const { return sql("INSERT INTO {kinbox}.orders VALUES ($1, $2)"); }
};

TEST_F(PostgresPipeline, AStatementIsHandedOverWithoutWaitingForItsAnswer) {
  auto slow = options();
  TcpProxy proxy(PostgresService::get().port());
  slow.uri = PostgresService::get().uri_at_port(proxy.port());
  const auto remote = connect(slow);
  const auto tx = remote->begin();
  tx->flush();
  proxy.stall(TcpProxy::Direction::kToClient);
  for (int id = 0; id < 200; ++id) tx->execute(insert(), id);
  proxy.flow();
  tx->commit();
  EXPECT_EQ(orders(), "200");
}

TEST_F(PostgresPipeline, ThousandsOfStatementsAreBounded) {
  const auto tx = database().begin();
  for (int id = 0; id < 5'000; ++id) tx->execute(insert(), id);
  tx->commit();
  EXPECT_EQ(orders(), "5000");
}

// Both sides' buffers are full when nobody reads: the client's of statements, the server's of
// notices and answers.
TEST_F(PostgresPipeline, LargeStatementsAndLargeAnswersDoNotBlockEachOther) {
  admin(
      "CREATE FUNCTION {kinbox}.chatter() RETURNS trigger LANGUAGE plpgsql AS $$ "
      "BEGIN RAISE NOTICE '%', repeat('x', 100000); RETURN NEW; END $$;"
      "CREATE TRIGGER chatter BEFORE INSERT ON {kinbox}.orders FOR EACH ROW "
      "EXECUTE FUNCTION {kinbox}.chatter()");
  const std::string large(300'000, 'y');
  const auto tx = database().begin();
  tx->execute("SET LOCAL client_min_messages = notice");
  for (int id = 0; id < 100; ++id) tx->execute(insert_note(), id, large);
  tx->commit();
  EXPECT_EQ(orders(), "100");
}

TEST_F(PostgresPipeline, NothingBehindAFailedStatementIsCarriedOut) {
  const auto tx = database().begin();
  tx->execute(insert(), 1);
  tx->execute(insert(), 1);
  for (int id = 2; id < 500; ++id) tx->execute(insert(), id);
  EXPECT_THAT([&] { tx->commit(); }, Throws<SqlError>(Property(&SqlError::statement, 2)));
  EXPECT_EQ(orders(), "0");
}

// Behind a BEGIN that failed the server would commit statement by statement.
TEST_F(PostgresPipeline, NothingBehindABeginThatFailedIsCarriedOut) {
  auto endless = options();
  endless.lock_timeout = std::chrono::hours(1'000'000);
  const auto other = connect(endless);
  auto tx = other->begin();
  for (int id = 0; id < 500; ++id) tx->execute(insert(), id);
  EXPECT_THROW(tx->commit(), InfrastructureError);
  EXPECT_EQ(orders(), "0");
}

TEST_F(PostgresPipeline, AStatementThatCouldNotBePreparedIsPreparedAgain) {
  const auto text = sql("INSERT INTO {kinbox}.later (id) VALUES ($1)");
  const auto behind = sql("INSERT INTO {kinbox}.orders (id, note) VALUES ($1, 'behind')");
  {
    const auto tx = database().begin();
    tx->execute(text, 1);
    tx->execute(behind, 1);
    EXPECT_THAT([&] { tx->flush(); }, Throws<SqlError>(Property(&SqlError::code, "42P01")));
  }
  admin("CREATE TABLE {kinbox}.later (id bigint)");
  const auto tx = database().begin();
  tx->execute(text, 1);
  tx->execute(behind, 1);
  tx->commit();
  EXPECT_EQ(admin("SELECT count(*) FROM {kinbox}.later"), "1");
  EXPECT_EQ(orders(), "1");
}

TEST_F(PostgresPipeline, ARollbackDropsWhatIsOnItsWay) {
  {
    const auto tx = database().begin();
    for (int id = 0; id < 300; ++id) tx->execute(insert(), id);
  }
  {
    const auto tx = database().begin();
    tx->execute(insert(), 1);
    tx->execute(insert(), 1);
  }
  const auto tx = database().begin();
  tx->execute(insert(), 1);
  tx->commit();
  EXPECT_EQ(orders(), "1");
}

TEST_F(PostgresPipeline, ALostConnectionIsMetByTheNextAnswer) {
  const auto tx = database().begin();
  terminate(*tx);
  tx->execute(insert(), 1);
  tx->execute(insert(), 2);
  EXPECT_THAT([&] { tx->commit(); }, Throws<InfrastructureError>());
  EXPECT_EQ(orders(), "0");
}

// Frozen between two statements of a batch, the session must look idle to the server, or its locks
// would stay for ever: the statements leave in groups that end with a sync.
TEST_F(PostgresPipeline, AClientFrozenAmongItsStatementsLosesItsLocks) {
  auto impatient = options();
  impatient.idle_in_transaction_session_timeout = 500ms;
  const auto other = connect(impatient);
  const auto tx = other->begin();
  tx->flush();
  for (int id = 0; id < 150; ++id) tx->execute(insert(), id);
  const auto sessions = "SELECT count(*) FROM pg_stat_activity WHERE query LIKE '%" +
                        database().dialect().schema() +
                        "%' AND state <> 'idle' AND pid <> pg_backend_pid()";
  ASSERT_TRUE(eventually([&] { return admin(sessions) == "1"; }));
  EXPECT_TRUE(eventually([&] { return admin(sessions) == "0"; }));
  EXPECT_EQ(orders(), "0");
}

TEST_F(PostgresPipeline, AClientFrozenBehindASetOfInsertsLosesItsLocks) {
  auto impatient = options();
  impatient.idle_in_transaction_session_timeout = 500ms;
  const auto other = connect(impatient);
  const auto tx = other->begin();
  tx->flush();
  for (int id = 0; id < 300; ++id) {
    const HandlerScope event(*tx);
    tx->execute(insert(), id);
  }
  const auto session = "SELECT count(*) FROM pg_stat_activity WHERE pid = " + other->session();
  EXPECT_TRUE(eventually([&] { return admin(session) == "0"; }));
  EXPECT_EQ(orders(), "0");
}

// Frozen among a large answer, no timeout of a statement or an idle transaction runs.
TEST_F(PostgresPipeline, AClientFrozenAmongALargeAnswerLosesItsLocks) {
  TcpProxy proxy(PostgresService::get().port());
  auto impatient = options();
  impatient.uri = PostgresService::get().uri_at_port(proxy.port());
  impatient.idle_in_transaction_session_timeout = 500ms;
  const auto other = connect(impatient);
  const auto tx = other->begin();
  tx->execute(insert(), 1);
  tx->flush();
  const auto session = other->session();
  proxy.stall(TcpProxy::Direction::kToClient);
  auto answer = std::async(std::launch::async, [&] {
    EXPECT_THROW(tx->query("SELECT repeat('x', 1000) FROM generate_series(1, 1000000)"),
                 InfrastructureError);
  });
  const auto sessions = "SELECT count(*) FROM pg_stat_activity WHERE pid = " + session;
  EXPECT_TRUE(
      eventually([&] { return admin(sessions + " AND wait_event = 'ClientWrite'") == "1"; }));
  EXPECT_TRUE(eventually([&] { return admin(sessions) == "0"; }));
  proxy.flow();
  answer.wait();
  EXPECT_EQ(orders(), "0");
}

}  // namespace
}  // namespace kinbox::testing

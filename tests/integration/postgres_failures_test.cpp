#include <atomic>
#include <future>

#include "integration/postgres_fixture.hpp"
#include "kinbox/handler_clock.hpp"
#include "kinbox/inbox.hpp"
#include "kinbox/postgres/native.hpp"
#include "support/tcp_proxy.hpp"

namespace kinbox::testing {
namespace {

using namespace std::chrono_literals;
using ::testing::AnyOf;
using ::testing::HasSubstr;
using ::testing::Throws;
using ::testing::ThrowsMessage;

class PostgresFailures : public PostgresTest {
 protected:
  /// Adds settings that only a superuser may set to the URI.
  postgres::Options with_setting(const std::string& name, const std::string& value) {
    auto changed = options();
    changed.uri += "?options=-c%20" + name + "%3D" + value;
    return changed;
  }
};

TEST_F(PostgresFailures, ALockTimeoutIsTheHandlersFaultOrNobodys) {
  admin("INSERT INTO {kinbox}.orders VALUES (1)");
  const auto holder = connect();
  const auto holding = holder->begin();
  const auto lock = sql("SELECT id FROM {kinbox}.orders FOR UPDATE");
  holding->query(lock);
  auto impatient = options();
  impatient.lock_timeout = 50ms;
  const auto other = connect(impatient);
  EXPECT_THAT([&] { other->begin()->query(lock); }, Throws<LockTimeoutError>());
  const auto tx = other->begin();
  const HandlerScope handler(*tx);
  EXPECT_THAT([&] { tx->query(lock); }, ThrowsSqlState("55P03"));
}

class GivingWay : public PostgresFailures {
 protected:
  void SetUp() override {
    PostgresFailures::SetUp();
    if (IsSkipped() || HasFatalFailure()) return;
    admin("INSERT INTO {kinbox}.orders VALUES (1)");
    holder_ = connect();
    holding_ = holder_->begin();
    holding_->query(lock());
  }
  std::string lock() const { return sql("SELECT id FROM {kinbox}.orders FOR UPDATE"); }

  /// One that would wait for long.
  std::unique_ptr<OpenTransaction> begin(Database& database) {
    auto tx = database.begin();
    tx->give_way_after(50ms);
    return tx;
  }

  std::unique_ptr<Database> holder_;
  std::unique_ptr<OpenTransaction> holding_;
};

TEST_F(GivingWay, ALockThatIsNotToBeHadSoonIsNobodysFault) {
  {
    const auto tx = begin(database());
    const HandlerScope handler(*tx);
    EXPECT_THAT([&] { tx->query(lock()); }, Throws<DeadlockError>());
  }
  const auto tx = begin(database());
  tx->execute(sql("UPDATE {kinbox}.orders SET note = 'mine'"));
  EXPECT_THAT([&] { tx->commit(); }, Throws<DeadlockError>());
}

TEST_F(GivingWay, IsOverWithItsTransaction) {
  begin(database())->flush();
  const auto tx = database().begin();
  EXPECT_EQ(tx->query("SHOW lock_timeout")[0].get<std::string>(0), "10s");
}

TEST_F(GivingWay, IsTakenBackByNativeAccess) {
  const auto tx = begin(database());
  const HandlerScope handler(*tx);
  postgres::native(*tx);
  EXPECT_EQ(tx->query("SHOW lock_timeout")[0].get<std::string>(0), "10s");
  tx->execute("SET LOCAL lock_timeout = 50");
  EXPECT_THAT([&] { tx->query(lock()); }, ThrowsSqlState("55P03"));
}

TEST_F(GivingWay, WhoFindsALockBeforeNativeAccessGivesWayToo) {
  const auto tx = begin(database());
  const HandlerScope handler(*tx);
  tx->execute(lock());
  EXPECT_THAT([&] { postgres::native(*tx); }, Throws<DeadlockError>());
}

TEST_F(GivingWay, NeverTakesLongerThanTheLockTimeout) {
  auto impatient = options();
  impatient.lock_timeout = 30ms;
  const auto other = connect(impatient);
  const auto tx = begin(*other);
  const HandlerScope handler(*tx);
  EXPECT_THAT([&] { tx->query(lock()); }, ThrowsSqlState("55P03"));
}

TEST_F(PostgresFailures, AStatementTimeoutIsTheHandlersFaultOrNobodys) {
  auto impatient = options();
  impatient.statement_timeout = 50ms;
  const auto other = connect(impatient);
  EXPECT_THAT([&] { other->begin()->query("SELECT pg_sleep(10)"); }, Throws<InfrastructureError>());
  const auto tx = other->begin();
  const HandlerScope handler(*tx);
  EXPECT_THAT([&] { tx->query("SELECT pg_sleep(10)"); }, ThrowsSqlState("57014"));
}

TEST_F(PostgresFailures, AnOwnerThatStoppedInItsTransactionLosesItsLocks) {
  admin("INSERT INTO {kinbox}.orders VALUES (1)");
  auto forgetful = options();
  forgetful.idle_in_transaction_session_timeout = 100ms;
  const auto stopped = connect(forgetful);
  const auto its = stopped->begin();
  const auto lock = sql("SELECT id FROM {kinbox}.orders FOR UPDATE");
  its->query(lock);
  EXPECT_NO_THROW(database().begin()->query(lock));
  const HandlerScope handler(*its);
  EXPECT_THAT([&] { its->query("SELECT 1"); }, ThrowsSqlState("25P03"));
  EXPECT_NO_THROW(stopped->begin());
}

TEST_F(PostgresFailures, ABackendTerminatedBetweenStatementsIsInfrastructure) {
  auto tx = database().begin();
  tx->execute(insert(), 1);
  terminate(*tx);
  const HandlerScope handler(*tx);
  EXPECT_THAT(
      [&] {
        tx->execute(insert(), 2);
        tx->query("SELECT 1");
      },
      Throws<InfrastructureError>());
  EXPECT_THAT([&] { tx->commit(); }, Throws<InfrastructureError>());
  const auto next = database().begin();
  next->execute(insert(), 3);
  next->commit();
  EXPECT_EQ(admin("SELECT string_agg(id::text, ' ') FROM {kinbox}.orders"), "3");
}

TEST_F(PostgresFailures, ABackendTerminatedWhileIdleCostsOneBegin) {
  {
    const auto tx = database().begin();
    terminate(*tx);
  }
  // Whether the rollback or the begin found out.
  try {
    database().begin();
  } catch (const InfrastructureError&) {
  }
  EXPECT_NO_THROW(database().begin()->flush());
}

TEST_F(PostgresFailures, ABackendTerminatedBeforeCommitHasStoredNothing) {
  auto tx = database().begin();
  tx->execute(insert(), 1);
  terminate(*tx);
  EXPECT_THAT([&] { tx->commit(); },
              ThrowsMessage<InfrastructureError>(HasSubstr("terminating connection")));
  EXPECT_EQ(orders(), "0");
}

// READ COMMITTED is enough: the second claim waits for the first to end.
class CompetingClaims : public PostgresFailures {
 protected:
  std::vector<bool> claim(OpenTransaction& tx, const std::vector<std::string>& ids) {
    std::vector<Inbox::Claim> claims;
    for (const auto& id : ids)
      claims.push_back({.event_id = id, .event_type = "T", .topic = "t", .fingerprint = {}});
    return Inbox("c", tx.dialect()).claim(tx, claims);
  }

  /// Two transactions claim one id; the first ends as `end` says. What the second learns.
  bool second_claim_is_new(const std::function<void(OpenTransaction&)>& end) {
    const auto first = database().begin();
    EXPECT_TRUE(claim(*first, {"e"})[0]);
    const auto other = connect();
    const auto second = other->begin();
    auto answer = std::async(std::launch::async, [&] { return bool(claim(*second, {"e"})[0]); });
    EXPECT_TRUE(somebody_waits("processed_events"));
    end(*first);
    return answer.get();
  }
};

TEST_F(CompetingClaims, TheSecondWaitsAndIsADuplicateAfterACommit) {
  EXPECT_FALSE(second_claim_is_new([](OpenTransaction& first) { first.commit(); }));
}

TEST_F(CompetingClaims, TheSecondWaitsAndIsNewAfterARollback) {
  EXPECT_TRUE(second_claim_is_new([](OpenTransaction& first) { first.rollback(); }));
}

TEST_F(CompetingClaims, ADeadlockIsInfrastructureForItsVictim) {
  const auto impatient = with_setting("deadlock_timeout", "20ms");
  const auto a = connect(impatient);
  const auto b = connect(impatient);
  const auto in_a = a->begin();
  const auto in_b = b->begin();
  claim(*in_a, {"1"});
  claim(*in_b, {"2"});
  const auto attempt = [&](OpenTransaction& tx, const std::string& id) {
    try {
      const HandlerScope handler(tx);
      claim(tx, {id});
      return std::string("claimed");
    } catch (const InfrastructureError& error) {
      tx.rollback();
      return std::string(error.what());
    }
  };
  auto b_says = std::async(std::launch::async, [&] { return attempt(*in_b, "1"); });
  ASSERT_TRUE(somebody_waits("processed_events"));
  const auto a_says = attempt(*in_a, "2");
  EXPECT_THAT(a_says + b_says.get(), HasSubstr("40P01"));
}

// The statement that Inbox::claim makes, with ids in the order given.
class ManyClaims : public CompetingClaims {
 protected:
  static constexpr int kIds = 400;

  Rows claim_as_given(OpenTransaction& tx, const std::vector<std::string>& ids) {
    const BulkStatement statement{
        "", sql("INSERT INTO {kinbox}.processed_events (consumer, event_id, topic, partition, "
                "record_offset, event_type, verdict, fingerprint) SELECT 'c', id, 't', 0, 0, '', "
                "'applied', '' FROM unnest($1::text[]) AS id ON CONFLICT (consumer, event_id) DO "
                "NOTHING RETURNING event_id")};
    const std::vector<SqlParam> rows(ids.begin(), ids.end());
    return tx.query_bulk(statement, rows, 1);
  }

  static std::vector<std::string> ids(int round) {
    std::vector<std::string> all;
    for (int i = 0; i < kIds; ++i)
      all.push_back(std::to_string(round) + "-" + std::to_string(1000 + i));
    return all;
  }

  /// Claims from two connections at once, `rounds` times; how many deadlocks that made.
  template <typename Claim>
  int deadlocks(int rounds, Claim claim_in_order) {
    const auto impatient = with_setting("deadlock_timeout", "5ms");
    const auto worker = [&](bool backwards) {
      const auto connection = connect(impatient);
      int count = 0;
      for (int round = 0; round < rounds; ++round) {
        auto all = ids(round);
        if (backwards) std::reverse(all.begin(), all.end());
        try {
          const auto tx = connection->begin();
          claim_in_order(*tx, all);
          tx->commit();
        } catch (const InfrastructureError& error) {
          EXPECT_THAT(error.what(), HasSubstr("40P01"));
          ++count;
        }
      }
      return count;
    };
    auto other = std::async(std::launch::async, [&] { return worker(true); });
    const int mine = worker(false);
    return mine + other.get();
  }
};

TEST_F(ManyClaims, InOppositeOrderDeadlock) {
  EXPECT_TRUE(eventually([&] {
    admin("TRUNCATE {kinbox}.processed_events");
    return deadlocks(20, [&](OpenTransaction& tx, const auto& all) { claim_as_given(tx, all); }) >
           0;
  }));
}

TEST_F(ManyClaims, InOneOrderNeverDeadlock) {
  EXPECT_EQ(deadlocks(150, [&](OpenTransaction& tx, const auto& all) { claim(tx, all); }), 0);
  EXPECT_EQ(admin("SELECT count(*) FROM {kinbox}.processed_events"), std::to_string(150 * kIds));
}

/// A network that can be stopped between the driver and the server.
class PostgresNetwork : public PostgresTest {
 protected:
  void SetUp() override {
    PostgresTest::SetUp();
    if (IsSkipped() || HasFatalFailure()) return;
    proxy_ = std::make_unique<TcpProxy>(PostgresService::get().port());
    remote_ = connect(through_proxy());
  }

  postgres::Options through_proxy() {
    auto changed = options();
    changed.uri = PostgresService::get().uri_at_port(proxy_->port());
    changed.connect_timeout = 500ms;
    changed.statement_timeout = 300ms;
    changed.call_deadline = 500ms;
    return changed;
  }

  /// Runs `call` on a silent network; it must give up as infrastructure about when the deadline
  /// passes.
  template <typename Call>
  void expect_deadline(TcpProxy::Direction silent, Call call) {
    proxy_->stall(silent);
    const auto start = std::chrono::steady_clock::now();
    EXPECT_THAT(call, ThrowsMessage<InfrastructureError>(
                          AnyOf(HasSubstr("in time"), HasSubstr("within 500 ms"))));
    const auto took = std::chrono::steady_clock::now() - start;
    EXPECT_GE(took, 450ms);
    EXPECT_LT(took, 5s);
    proxy_->flow();
    EXPECT_NO_THROW(remote_->begin()->flush());
  }

  std::unique_ptr<TcpProxy> proxy_;
  std::unique_ptr<Database> remote_;
};

TEST_F(PostgresNetwork, AStatementHasADeadline) {
  auto tx = remote_->begin();
  expect_deadline(TcpProxy::Direction::kToClient, [&] { tx->query("SELECT 1"); });
}

TEST_F(PostgresNetwork, AHandlersTimeThatPassesOnASilentNetworkIsNobodysFault) {
  HandlerClock clock;
  const auto tx = remote_->begin();
  tx->flush();
  clock.start({"stock", nullptr}, 50ms);
  const HandlerScope handler(*tx, {}, &clock);
  proxy_->stall(TcpProxy::Direction::kToClient);
  EXPECT_THAT([&] { tx->query("SELECT 1"); },
              ThrowsMessage<InfrastructureError>(HasSubstr("cannot be cancelled")));
  proxy_->flow();
}

TEST_F(PostgresNetwork, BeginHasADeadline) {
  remote_->begin();
  // BEGIN travels with what follows it; flush() waits for both.
  expect_deadline(TcpProxy::Direction::kToServer, [&] { remote_->begin()->flush(); });
}

TEST_F(PostgresNetwork, ConnectingHasADeadline) {
  expect_deadline(TcpProxy::Direction::kToClient, [&] { remote_->begin(); });
}

TEST_F(PostgresNetwork, SendingHasADeadline) {
  auto tx = remote_->begin();
  // More than the kernel's buffers take.
  const std::string large(64 * 1024 * 1024, 'x');
  expect_deadline(TcpProxy::Direction::kToServer, [&] { tx->query("SELECT $1::text", large); });
}

TEST_F(PostgresNetwork, CommitHasADeadlineAndNobodyKnowsItsOutcome) {
  auto tx = remote_->begin();
  tx->execute(insert(), 1);
  expect_deadline(TcpProxy::Direction::kToClient, [&] { tx->commit(); });
  EXPECT_TRUE(eventually([&] { return orders() == "1"; }));
}

// No end of the connection reaches the server, which waits for more statements, and would for ever.
TEST_F(PostgresNetwork, ALostSessionsLocksGoWithTheNextConnection) {
  admin("INSERT INTO {kinbox}.orders VALUES (1)");
  const auto update = sql("UPDATE {kinbox}.orders SET note = 'mine'");
  proxy_->swallow(TcpProxy::Direction::kToServer, [] {
    return [](std::string_view bytes) {
      // A sync, without which the server goes on waiting.
      const auto sync = bytes.find(std::string("S\0\0\0\4", 5), bytes.find("UPDATE"));
      return bytes.find("UPDATE") == bytes.npos ? bytes.size() : sync;
    };
  });
  {
    const auto tx = remote_->begin();
    tx->execute(update);
    EXPECT_THROW(tx->flush(), InfrastructureError);
    EXPECT_EQ(proxy_->losses(), 1);
  }
  remote_->begin()->flush();
  const auto tx = database().begin();
  tx->execute(update);
  tx->commit();
}

TEST_F(PostgresNetwork, AServerNoticesThatAMachineIsGone) {
  EXPECT_EQ(remote_->begin()->query("SHOW tcp_keepalives_idle")[0].get<std::string>(0), "30");
}

TEST_F(PostgresNetwork, ARollbackThatFindsNobodyDropsTheConnection) {
  auto tx = remote_->begin();
  tx->execute(insert(), 1);
  proxy_->reset_all();
  tx->rollback();
  EXPECT_NO_THROW(remote_->begin()->flush());
  EXPECT_EQ(orders(), "0");
}

TEST_F(PostgresNetwork, ALostReplyToCommitIsInfrastructureThoughTheRowIsThere) {
  const auto tx = remote_->begin();
  tx->execute(insert(), 1);
  proxy_->lose_reply("COMMIT", "COMMIT");
  EXPECT_THAT([&] { tx->commit(); }, ThrowsMessage<InfrastructureError>(
                                         HasSubstr("nobody knows whether COMMIT happened")));
  EXPECT_EQ(proxy_->losses(), 1);
  EXPECT_EQ(orders(), "1");
}

TEST_F(PostgresNetwork, ALostCommitIsInfrastructureAndTheRowIsNotThere) {
  const auto tx = remote_->begin();
  tx->execute(insert(), 1);
  proxy_->lose_request("COMMIT");
  EXPECT_THAT([&] { tx->commit(); }, ThrowsMessage<InfrastructureError>(
                                         HasSubstr("nobody knows whether COMMIT happened")));
  EXPECT_EQ(orders(), "0");
}

}  // namespace
}  // namespace kinbox::testing

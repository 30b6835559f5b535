#include <map>

#include "integration/postgres_fixture.hpp"
#include "postgres/connection.hpp"
#include "support/loopback.hpp"
#include "support/postgres_pooler.hpp"
#include "support/tcp_proxy.hpp"
#include "support/unique_name.hpp"

namespace kinbox::testing {
namespace {

using namespace std::chrono_literals;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::ThrowsMessage;

class PostgresConnect : public ::testing::Test {
 protected:
  void SetUp() override { KINBOX_REQUIRE_POSTGRES(); }

  static postgres::Options to(const std::string& uri) {
    postgres::Options options;
    options.uri = uri;
    options.connect_timeout = 500ms;
    return options;
  }

  /// What begin() says when it cannot connect.
  static std::string failure(const postgres::Options& options) {
    try {
      postgres::factory(options)()->begin();
    } catch (const InfrastructureError& error) {
      return error.what();
    }
    return "connected";
  }

  static PostgresService server() { return PostgresService::get(); }
};

TEST_F(PostgresConnect, AWrongPasswordIsNamedAndNotPrinted) {
  const auto text = failure(to(server().uri_with_wrong_password()));
  EXPECT_THAT(text, AllOf(HasSubstr("password authentication failed"), HasSubstr("database.uri"),
                          HasSubstr("database.password_file"), Not(HasSubstr("wrong")),
                          Not(HasSubstr("LOCATION"))));
}

TEST_F(PostgresConnect, APasswordFromElsewhereWins) {
  auto options = to(server().uri_with_wrong_password());
  options.password = "right";
  EXPECT_EQ(failure(options), "connected");
}

TEST_F(PostgresConnect, AMissingPasswordIsAskedFor) {
  auto uri = server().uri_with_password();
  uri.replace(uri.find(":right@"), 7, "@");
  EXPECT_THAT(failure(to(uri)), HasSubstr("set database.password_file"));
}

TEST_F(PostgresConnect, AnUnknownDatabaseIsNamed) {
  auto uri = server().uri();
  uri.replace(uri.rfind('/') + 1, std::string::npos, "nowhere");
  EXPECT_THAT(failure(to(uri)),
              AllOf(HasSubstr("\"nowhere\" does not exist"), HasSubstr("create the database")));
}

TEST_F(PostgresConnect, AnUnknownRoleIsNamed) {
  auto uri = server().uri();
  uri.replace(uri.find("postgres@"), 8, "nobody");
  EXPECT_THAT(failure(to(uri)),
              AllOf(HasSubstr("\"nobody\" does not exist"), HasSubstr("check the user")));
}

TEST_F(PostgresConnect, AServerThatIsFullIsNamed) {
  const auto role = unique_name("kinbox_role");
  run_sql(server().uri(), "CREATE ROLE " + role + " LOGIN CONNECTION LIMIT 0");
  auto uri = server().uri();
  uri.replace(uri.find("postgres@"), 8, role);
  EXPECT_THAT(failure(to(uri)),
              AllOf(HasSubstr("too many connections"), HasSubstr("max_connections")));
  run_sql(server().uri(), "DROP ROLE " + role);
}

TEST_F(PostgresConnect, AProxyThatReachesNoServerIsSaid) {
  auto listener = listen_on_loopback(0);
  const auto free_port = local_port(listener);
  listener.close();
  const PostgresPooler pooler(free_port, PostgresPooler::Mode::kSession);
  EXPECT_THAT(failure(to(server().uri_at_port(pooler.port()))),
              HasSubstr("cannot set up the PostgreSQL session"));
}

TEST_F(PostgresConnect, TheKernelWatchesTheConnectionToo) {
  const postgres::Connection connection(to(server().uri()));
  const std::unique_ptr<PQconninfoOption, void (*)(PQconninfoOption*)> settings(
      PQconninfo(connection.raw()), PQconninfoFree);
  std::map<std::string, std::string> found;
  for (const auto* setting = settings.get(); setting->keyword != nullptr; ++setting)
    found[setting->keyword] = setting->val == nullptr ? "" : setting->val;
  EXPECT_EQ(found["tcp_user_timeout"], "40000");
  EXPECT_EQ(found["keepalives_idle"], "30");
  EXPECT_EQ(found["keepalives_interval"], "10");
  EXPECT_EQ(found["keepalives_count"], "3");
}

TEST_F(PostgresConnect, NobodyAtThePortIsSaid) {
  auto listener = listen_on_loopback(0);
  const auto free_port = local_port(listener);
  listener.close();
  EXPECT_THAT(failure(to(server().uri_at_port(free_port))),
              AllOf(HasSubstr("Connection refused"), HasSubstr("check that the server runs")));
}

TEST_F(PostgresConnect, AServerThatDoesNotAnswerIsGivenUp) {
  TcpProxy proxy(server().port());
  proxy.stall(TcpProxy::Direction::kToClient);
  EXPECT_THAT(
      failure(to(server().uri_at_port(proxy.port()))),
      AllOf(HasSubstr("no answer within 500 ms from 127.0.0.1:" + std::to_string(proxy.port())),
            HasSubstr("check that the server runs")));
}

TEST_F(PostgresConnect, TheNextHostIsTriedAfterASilentOne) {
  TcpProxy silent(server().port());
  silent.stall(TcpProxy::Direction::kToClient);
  const auto ports = "127.0.0.1:" + std::to_string(silent.port()) +
                     ",127.0.0.1:" + std::to_string(server().port());
  EXPECT_EQ(failure(to("postgresql://postgres@" + ports + "/postgres")), "connected");
}

TEST_F(PostgresConnect, TheNextAddressIsTriedWithThePortTheyShare) {
  const auto port = std::to_string(server().port());
  EXPECT_EQ(failure(to("hostaddr=127.0.0.2,127.0.0.1 port=" + port + " user=postgres")),
            "connected");
}

TEST_F(PostgresConnect, EveryHostThatFailedIsNamed) {
  TcpProxy a(server().port());
  TcpProxy b(server().port());
  a.stall(TcpProxy::Direction::kToClient);
  b.stall(TcpProxy::Direction::kToClient);
  const auto text = failure(to("postgresql://postgres@127.0.0.1:" + std::to_string(a.port()) +
                               ",127.0.0.1:" + std::to_string(b.port()) + "/postgres"));
  EXPECT_THAT(text,
              AllOf(HasSubstr(std::to_string(a.port())), HasSubstr(std::to_string(b.port()))));
}

TEST_F(PostgresConnect, TheSessionCarriesKinboxsNameUnlessTheUriSaysAnother) {
  const auto name = [](const std::string& uri) {
    const auto database = postgres::factory(to(uri))();
    return database->begin()->query("SHOW application_name")[0].get<std::string>(0);
  };
  EXPECT_EQ(name(server().uri()), "kinbox");
  EXPECT_EQ(name(server().uri() + "?application_name=mine"), "mine");
}

TEST_F(PostgresConnect, AFactoryTouchesNoServer) {
  EXPECT_NO_THROW(postgres::factory(to("postgresql://nowhere.invalid/x"))());
}

/// What can be told without a server.
class PostgresOptions : public ::testing::Test {
 protected:
  static auto refused(const postgres::Options& options) {
    return [options] { postgres::factory(options); };
  }
  postgres::Options good_ = [] {
    postgres::Options options;
    options.uri = "postgresql://localhost/x";
    return options;
  }();
};

TEST_F(PostgresOptions, AUriThatCannotBeReadIsRefusedWithoutQuotingIt) {
  for (const auto* uri : {"postgresql://me:se%cret@localhost/x", "password = 'secret", "secret",
                          "postgresql://[secret/x"}) {
    good_.uri = uri;
    EXPECT_THAT(refused(good_), ThrowsMessage<ConfigurationError>(
                                    AllOf(HasSubstr("database.uri"), Not(HasSubstr("cret")))));
  }
}

TEST_F(PostgresOptions, AnAtSignInsideThePasswordIsFoundBeforeItIsPrintedAsAHost) {
  good_.uri = "postgresql://me:se@cret@localhost/x";
  EXPECT_THAT(refused(good_),
              ThrowsMessage<ConfigurationError>(AllOf(HasSubstr("%40"), Not(HasSubstr("cret")))));
}

TEST_F(PostgresOptions, ASchemaThatNeedsQuotesIsRefused) {
  good_.schema = "My Schema";
  EXPECT_THAT(refused(good_), ThrowsMessage<ConfigurationError>(HasSubstr("My Schema")));
}

TEST_F(PostgresOptions, TimesMustBePositive) {
  for (auto time : {&postgres::Options::connect_timeout, &postgres::Options::lock_timeout,
                    &postgres::Options::statement_timeout,
                    &postgres::Options::idle_in_transaction_session_timeout}) {
    auto options = good_;
    options.*time = 0ms;
    EXPECT_THAT(refused(options), ThrowsMessage<ConfigurationError>(HasSubstr("is 0 ms")));
  }
}

TEST_F(PostgresOptions, TheCallDeadlineLeavesTheServerTimeToSayWhy) {
  good_.call_deadline = good_.statement_timeout;
  EXPECT_THAT(refused(good_), ThrowsMessage<ConfigurationError>(AllOf(
                                  HasSubstr("call_deadline"), HasSubstr("statement_timeout"))));
}

}  // namespace
}  // namespace kinbox::testing

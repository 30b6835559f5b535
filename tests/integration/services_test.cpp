#include "support/services.hpp"

#include <gmock/gmock.h>
#include <libpq-fe.h>
#include <librdkafka/rdkafka.h>
#include <poll.h>

#include <cstdlib>
#include <memory>
#include <string>

#include "support/tcp_proxy.hpp"

namespace kinbox::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;

struct Close {
  void operator()(rd_kafka_t* client) const { rd_kafka_destroy(client); }
  void operator()(PGconn* connection) const { PQfinish(connection); }
  void operator()(PGresult* result) const { PQclear(result); }
};
using Client = std::unique_ptr<rd_kafka_t, Close>;
using Connection = std::unique_ptr<PGconn, Close>;
using Result = std::unique_ptr<PGresult, Close>;

Client client_of(const std::string& brokers) {
  rd_kafka_conf_t* settings = rd_kafka_conf_new();
  std::string error(512, '\0');
  EXPECT_EQ(
      rd_kafka_conf_set(settings, "bootstrap.servers", brokers.c_str(), error.data(), error.size()),
      RD_KAFKA_CONF_OK);
  rd_kafka_conf_set_log_cb(settings, nullptr);
  return Client(rd_kafka_new(RD_KAFKA_PRODUCER, settings, error.data(), error.size()));
}

/// host:port that the broker calls its own, or the error.
std::string broker_seen_through(const std::string& brokers, int timeout_ms = 20'000) {
  const Client client = client_of(brokers);
  const rd_kafka_metadata_t* metadata = nullptr;
  const auto error = rd_kafka_metadata(client.get(), 0, nullptr, &metadata, timeout_ms);
  if (error != RD_KAFKA_RESP_ERR_NO_ERROR) return rd_kafka_err2str(error);
  std::string address =
      std::string(metadata->brokers[0].host) + ":" + std::to_string(metadata->brokers[0].port);
  rd_kafka_metadata_destroy(metadata);
  return address;
}

std::string cluster_id_of(const std::string& brokers) {
  const Client client = client_of(brokers);
  char* id = rd_kafka_clusterid(client.get(), 20'000);
  std::string text = id == nullptr ? "" : id;
  rd_kafka_mem_free(client.get(), id);
  return text;
}

Connection connect(const std::string& uri) {
  return Connection(PQconnectdb((uri + "?connect_timeout=2").c_str()));
}

/// The first value of the answer, or the error.
std::string ask(const Connection& connection, const char* sql) {
  const Result result(PQexec(connection.get(), sql));
  if (PQresultStatus(result.get()) != PGRES_TUPLES_OK) return PQerrorMessage(connection.get());
  return PQgetvalue(result.get(), 0, 0);
}

class Services : public ::testing::Test {
 protected:
  void SetUp() override {
    KINBOX_REQUIRE_KAFKA();
    KINBOX_REQUIRE_POSTGRES();
    kafka_ = KafkaService::get();
    postgres_ = PostgresService::get();
  }

  KafkaService kafka_;
  PostgresService postgres_;
};

TEST_F(Services, TheBrokerIsTheOneThatWasStartedForUs) {
  EXPECT_EQ(cluster_id_of(kafka_.brokers()), kafka_.cluster_id());
}

TEST_F(Services, PostgresIsDurableAndDoesNotSortByBytes) {
  const auto connection = connect(postgres_.uri());
  EXPECT_EQ(ask(connection, "SHOW fsync"), "on");
  EXPECT_EQ(ask(connection, "SELECT 'a' < 'B'"), "t");
}

TEST_F(Services, PostgresAsksOneRoleForItsPassword) {
  EXPECT_EQ(ask(connect(postgres_.uri_with_password()), "SELECT current_user"), "kinbox_password");
  const auto refused = connect(postgres_.uri_with_wrong_password());
  EXPECT_THAT(PQerrorMessage(refused.get()), HasSubstr("password authentication failed"));
}

TEST_F(Services, PostgresIsReachedThroughAProxy) {
  const TcpProxy proxy(postgres_.port());
  EXPECT_EQ(ask(connect(postgres_.uri_at_port(proxy.port())), "SELECT 1"), "1");
}

TEST(ServicesMissing, SaysWhatToDo) {
  const char* brokers = std::getenv("KINBOX_TEST_BROKERS");
  const std::string before = brokers == nullptr ? "" : brokers;
  ::unsetenv("KINBOX_TEST_BROKERS");
  EXPECT_THAT(KafkaService::missing(), HasSubstr("run scripts/test"));
  EXPECT_THROW(KafkaService::get(), std::runtime_error);
  ::setenv("KINBOX_TEST_BROKERS", "127.0.0.1:1", 1);
  EXPECT_THAT(KafkaService::missing(), IsEmpty());
  brokers == nullptr ? ::unsetenv("KINBOX_TEST_BROKERS")
                     : ::setenv("KINBOX_TEST_BROKERS", before.c_str(), 1);
}

using ServicesOutage = Services;

TEST_F(ServicesOutage, BehindAProxyTheBrokerNamesTheProxysAddress) {
  const std::string address = "127.0.0.1:" + std::to_string(kafka_.proxy_port());
  const TcpProxy proxy(kafka_.proxy_upstream(), kafka_.proxy_port());
  EXPECT_EQ(broker_seen_through(address), address);
}

TEST_F(ServicesOutage, AKilledBrokerComesBackAtTheSameAddress) {
  auto outage = kafka_.kill();
  EXPECT_THAT(broker_seen_through(kafka_.brokers(), 500), HasSubstr("transport failure"));
  outage.end();
  EXPECT_EQ(broker_seen_through(kafka_.brokers()), kafka_.brokers());
  EXPECT_EQ(cluster_id_of(kafka_.brokers()), kafka_.cluster_id());
}

TEST_F(ServicesOutage, AFrozenBrokerAnswersAfterTheThaw) {
  auto outage = kafka_.pause();
  EXPECT_NE(broker_seen_through(kafka_.brokers(), 500), kafka_.brokers());
  outage.end();
  EXPECT_EQ(broker_seen_through(kafka_.brokers()), kafka_.brokers());
}

TEST_F(ServicesOutage, AnOutageEndsWithItsScope) {
  {
    const auto outage = postgres_.stop_immediately();
    EXPECT_THAT(ask(connect(postgres_.uri()), "SELECT 1"), HasSubstr("no connection"));
  }
  EXPECT_EQ(ask(connect(postgres_.uri()), "SELECT 1"), "1");
}

TEST_F(ServicesOutage, AKilledPostgresKeepsWhatItCommitted) {
  const auto before = connect(postgres_.uri());
  ask(before, "CREATE TABLE survivor (n int)");
  ask(before, "INSERT INTO survivor VALUES (7)");
  auto outage = postgres_.kill();
  EXPECT_THAT(ask(before, "SELECT 1"), HasSubstr("server closed the connection"));
  outage.end();
  const auto after = connect(postgres_.uri());
  EXPECT_EQ(ask(after, "SELECT n FROM survivor"), "7");
  ask(after, "DROP TABLE survivor");
}

TEST_F(ServicesOutage, AFrozenPostgresFreezesItsConnectionsToo) {
  const auto connection = connect(postgres_.uri());
  auto outage = postgres_.pause();
  ASSERT_EQ(PQsendQuery(connection.get(), "SELECT 1"), 1);
  pollfd answer{PQsocket(connection.get()), POLLIN, 0};
  EXPECT_EQ(::poll(&answer, 1, 200), 0);
  outage.end();
  const Result result(PQgetResult(connection.get()));
  EXPECT_STREQ(PQgetvalue(result.get(), 0, 0), "1");
}

TEST_F(ServicesOutage, AScriptThatFailsSaysWhy) {
  try {
    Outage("postgres", "defenestrate", "start").end();
    FAIL() << "no error";
  } catch (const std::runtime_error& error) {
    EXPECT_THAT(error.what(), HasSubstr("unknown verb defenestrate"));
  }
}

}  // namespace
}  // namespace kinbox::testing

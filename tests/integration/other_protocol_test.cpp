#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>

#include <mutex>
#include <thread>
#include <vector>

#include "kinbox/errors.hpp"
#include "kinbox/kafka/admin.hpp"
#include "kinbox/postgres/database.hpp"
#include "support/loopback.hpp"
#include "support/services.hpp"

namespace kinbox::testing {
namespace {

using namespace std::chrono_literals;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

/// Answers whatever comes first on a connection with `answer`, and closes.
class ForeignServer {
 public:
  explicit ForeignServer(std::string answer)
      : answer_(std::move(answer)),
        listener_(listen_on_loopback(0)),
        thread_([this] { serve(); }) {}
  ~ForeignServer() { shutdown(listener_.get(), SHUT_RDWR); }

  std::string address() const { return "127.0.0.1:" + std::to_string(local_port(listener_)); }

 private:
  void serve() {
    for (;;) {
      const Fd client(accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
      if (!client) return;
      char question = 0;
      if (recv(client.get(), &question, 1, 0) == 1)
        send(client.get(), answer_.data(), answer_.size(), MSG_NOSIGNAL);
    }
  }

  std::string answer_;
  Fd listener_;
  std::jthread thread_;
};

const std::string kHttp = "HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n";

std::string kafka_failure(const std::string& address) {
  try {
    kafka::Admin(kafka::Settings({{"bootstrap.servers", address}}), 2s).topic_exists("t");
  } catch (const InfrastructureError& error) {
    return error.what();
  }
  return "connected";
}

std::string postgres_failure(const std::string& address, const std::string& more = "") {
  try {
    postgres::Options options;
    options.uri = "postgresql://user@" + address + "/db" + more;
    options.connect_timeout = 1s;
    postgres::factory(options)()->begin();
  } catch (const InfrastructureError& error) {
    return error.what();
  }
  return "connected";
}

TEST(OtherProtocol, AWebServerGivenAsKafkaIsNoBroker) {
  const ForeignServer web(kHttp);
  EXPECT_THAT(kafka_failure(web.address()),
              AllOf(HasSubstr("no Kafka broker"), HasSubstr("bootstrap.servers"),
                    Not(HasSubstr("increase"))));
}

TEST(OtherProtocol, AServerThatClosesAtOnceGivenAsKafkaNamesTheSettings) {
  const ForeignServer silent("");
  EXPECT_THAT(kafka_failure(silent.address()),
              AllOf(HasSubstr("security.protocol"), HasSubstr("bootstrap.servers")));
}

TEST(OtherProtocol, PostgresGivenAsKafkaIsNoBroker) {
  KINBOX_REQUIRE_POSTGRES();
  EXPECT_THAT(kafka_failure("127.0.0.1:" + std::to_string(PostgresService::get().port())),
              AllOf(HasSubstr("no Kafka broker"), HasSubstr("bootstrap.servers")));
}

TEST(OtherProtocol, AWebServerGivenAsPostgresIsNone) {
  const ForeignServer web(kHttp);
  for (const auto* mode : {"?sslmode=disable", "?sslmode=require", "?sslmode=prefer"})
    EXPECT_THAT(postgres_failure(web.address(), mode),
                AllOf(HasSubstr("no PostgreSQL server"), HasSubstr("database.uri")))
        << mode;
}

TEST(OtherProtocol, AServerThatClosesAtOnceGivenAsPostgresNamesTheSetting) {
  const ForeignServer silent("");
  EXPECT_THAT(postgres_failure(silent.address(), "?sslmode=disable"),
              AllOf(HasSubstr("no PostgreSQL server"), HasSubstr("database.uri")));
}

TEST(OtherProtocol, KafkaGivenAsPostgresNamesTheSetting) {
  KINBOX_REQUIRE_KAFKA();
  EXPECT_THAT(postgres_failure(KafkaService::get().brokers()), HasSubstr("database.uri"));
}

}  // namespace
}  // namespace kinbox::testing

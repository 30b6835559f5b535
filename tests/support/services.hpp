#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <string>

namespace kinbox::testing {

// The real servers that `scripts/services` has started, as its environment describes them:
//
//   void SetUp() override { KINBOX_REQUIRE_KAFKA(); }
//   ...
//   const Outage outage = KafkaService::get().kill();
//
// There is one of each for all tests: use a topic, group, schema or database of your own (see
// unique_name.hpp). A test that makes an Outage or uses KafkaService::proxy_port() must run alone:
// it belongs into a suite whose name contains "Outage", which tests/CMakeLists.txt runs serially.

// A server that is down or frozen until end(), or until this goes out of scope: a test that fails
// in the middle leaves the server running for the others.
class [[nodiscard]] Outage {
 public:
  Outage(std::string service, std::string begin_verb, std::string end_verb);
  ~Outage();
  Outage(const Outage&) = delete;
  Outage& operator=(const Outage&) = delete;

  /// Returns when the server answers again, on the same data and port. Throws std::runtime_error
  /// with what scripts/services said if it does not.
  void end();

 private:
  std::string service_;
  std::string end_verb_;
  bool over_ = false;
};

class KafkaService {
 public:
  /// Empty if the environment names a broker; else what to do about it.
  static std::string missing();

  /// Throws std::runtime_error if missing.
  static KafkaService get();

  /// bootstrap.servers
  const std::string& brokers() const { return brokers_; }
  const std::string& cluster_id() const { return cluster_id_; }

  /// For clients that reach the broker through TcpProxy(proxy_upstream(), proxy_port()): bootstrap
  /// from 127.0.0.1:proxy_port(), and the broker will name that same address.
  std::uint16_t proxy_port() const { return proxy_port_; }
  std::uint16_t proxy_upstream() const { return proxy_upstream_; }

  /// SIGKILL; coming back takes 4-5 s.
  Outage kill() const { return {"kafka", "kill", "start"}; }
  /// SIGTERM; the broker tells its clients where to go, which is nowhere.
  Outage stop() const { return {"kafka", "stop", "start"}; }
  /// SIGSTOP; its sockets still accept bytes.
  Outage pause() const { return {"kafka", "pause", "continue"}; }

 private:
  std::string brokers_;
  std::string cluster_id_;
  std::uint16_t proxy_port_ = 0;
  std::uint16_t proxy_upstream_ = 0;
};

class PostgresService {
 public:
  static std::string missing();
  static PostgresService get();

  /// libpq URI of the superuser, over TCP, database "postgres".
  const std::string& uri() const { return uri_; }
  /// The same for a role that has to give its password, with the right one...
  const std::string& uri_with_password() const { return uri_with_password_; }
  /// ...and with a wrong one.
  std::string uri_with_wrong_password() const;

  std::uint16_t port() const;
  /// The superuser's URI with another port: for a TcpProxy in between.
  std::string uri_at_port(std::uint16_t port) const;

  /// SIGKILL to the postmaster and all backends; the next start recovers from the log.
  Outage kill() const { return {"postgres", "kill", "start"}; }
  /// Backends end without a word to their clients but a dropped connection.
  Outage stop_immediately() const { return {"postgres", "stop-immediate", "start"}; }
  /// SIGSTOP to the postmaster and all backends.
  Outage pause() const { return {"postgres", "pause", "continue"}; }

 private:
  std::string uri_;
  std::string uri_with_password_;
};

/// CI is set: what is missing must not pass for skipped.
bool in_continuous_integration();

// Ends the test, or the SetUp(), in which it stands unless the server is there: failed if CI is
// set, else skipped.
#define KINBOX_REQUIRE_SERVICE(service)                                                     \
  if (const std::string missing = ::kinbox::testing::service::missing(); missing.empty()) { \
  } else if (::kinbox::testing::in_continuous_integration()) {                              \
    FAIL() << missing;                                                                      \
  } else                                                                                    \
    GTEST_SKIP() << missing

#define KINBOX_REQUIRE_KAFKA() KINBOX_REQUIRE_SERVICE(KafkaService)
#define KINBOX_REQUIRE_POSTGRES() KINBOX_REQUIRE_SERVICE(PostgresService)

}  // namespace kinbox::testing

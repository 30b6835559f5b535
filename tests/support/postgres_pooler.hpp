#pragma once

#include <atomic>
#include <cstdint>
#include <deque>
#include <list>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "support/loopback.hpp"

namespace kinbox::testing {

// A connection pooler before PostgreSQL, as PgBouncer is one: clients are welcomed by the pooler
// itself (with an invented backend pid), and share its connections to the server.
//
// For user postgres, database postgres, without a password. The destructor ends everything.
class PostgresPooler {
 public:
  /// Until when a client keeps its server connection, and which idle one the next is given.
  enum class Mode { kSession, kTransactionNewest, kTransactionOldest };

  /// `claimed_version` is what clients are told of the server.
  PostgresPooler(std::uint16_t server_port, Mode mode, std::string claimed_version = "15.0");
  ~PostgresPooler();

  std::uint16_t port() const { return local_port(listener_); }

 private:
  void accept_clients();
  void serve(const Fd& client);
  Fd take_server();
  void give_back(Fd server);

  const std::uint16_t server_port_;
  const Mode mode_;
  const std::string claimed_version_;
  Fd listener_;
  std::mutex mutex_;
  std::deque<Fd> idle_;
  std::list<Fd> clients_;
  std::vector<std::thread> threads_;
  std::thread acceptor_;
};

}  // namespace kinbox::testing

#pragma once

#include <filesystem>
#include <string>

namespace kinbox::testing {

/// A PostgreSQL server that one test has for itself, to change its configuration and break it.
/// Gone with its data afterwards. Throws std::runtime_error with what scripts/services said.
class PostgresServer {
 public:
  PostgresServer();
  ~PostgresServer();
  PostgresServer(const PostgresServer&) = delete;
  PostgresServer& operator=(const PostgresServer&) = delete;

  std::string uri() const;

  /// The next start reads this at the end of postgresql.conf.
  void configure(const std::string& line);
  /// The next start makes it a standby that waits for a primary for ever.
  void become_standby();

  void start();
  void restart();
  /// No goodbye to clients, recovery at the next start.
  void stop_immediately();

 private:
  void run(const std::string& verb) const;
  std::filesystem::path data() const { return directory_ / "postgres" / "data"; }

  std::filesystem::path directory_;
};

}  // namespace kinbox::testing

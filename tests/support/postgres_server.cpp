#include "support/postgres_server.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <fstream>
#include <stdexcept>

#include "support/child_process.hpp"
#include "support/unique_name.hpp"

namespace kinbox::testing {

PostgresServer::PostgresServer()
    : directory_(std::filesystem::path(KINBOX_BINARY_DIR) / unique_name("postgres")) {
  start();
}

PostgresServer::~PostgresServer() {
  try {
    run("stop");
    std::filesystem::remove_all(std::filesystem::canonical(directory_ / "postgres"));
    std::filesystem::remove_all(directory_);
  } catch (const std::exception& error) {
    ADD_FAILURE() << error.what();
  }
}

std::string PostgresServer::uri() const {
  constexpr std::string_view kName = "export KINBOX_TEST_POSTGRES=";
  std::ifstream environment(directory_ / "env");
  for (std::string line; std::getline(environment, line);)
    if (line.starts_with(kName)) return line.substr(kName.size());
  throw std::runtime_error("scripts/services wrote no KINBOX_TEST_POSTGRES");
}

void PostgresServer::configure(const std::string& line) {
  std::ofstream(data() / "postgresql.conf", std::ios::app) << line << '\n';
}

void PostgresServer::become_standby() { std::ofstream(data() / "standby.signal"); }

void PostgresServer::start() { run("start"); }
void PostgresServer::restart() { run("restart"); }
void PostgresServer::stop_immediately() { run("stop-immediate"); }

void PostgresServer::run(const std::string& verb) const {
  ChildProcess script({KINBOX_SOURCE_DIR "/scripts/services", verb, "postgres", "--quiet", "--dir",
                       directory_.string()});
  const auto status = script.wait_for(std::chrono::minutes(2));
  if (status && status->code == 0) return;
  throw std::runtime_error("scripts/services " + verb + ": " +
                           script.output(ChildProcess::Stream::kErr));
}

}  // namespace kinbox::testing

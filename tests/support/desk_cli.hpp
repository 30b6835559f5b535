#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "kinbox/sqlite/database.hpp"
#include "support/in_process_cli.hpp"
#include "support/temporary_directory.hpp"

namespace kinbox::testing {

/// Commands over kinbox's tables: a configuration and a migrated SQLite database, without rows.
class DeskCli : public ::testing::Test {
 protected:
  void SetUp() override {
    std::ofstream(config_) << "kafka: {bootstrap.servers: '127.0.0.1:1'}\n"
                              "database: {sqlite: k.db}\n"
                              "consumers: [{name: orders, topics: [t], handlers: [h]}]\n";
    ASSERT_EQ(run({"migrate", "up"}).exit_code, 0);
  }

  CliResult run(std::vector<std::string> arguments) {
    arguments.insert(arguments.end(), {"-c", config_.string()});
    HandlerSpec spec;
    spec.name = "h";
    return run_cli(arguments, {spec});
  }

  /// The rows of a command that succeeds.
  nlohmann::json answer(std::vector<std::string> arguments) {
    arguments.insert(arguments.end(), {"-o", "json"});
    const auto result = run(arguments);
    EXPECT_EQ(result.exit_code, 0) << result.err;
    return nlohmann::json::parse(result.out);
  }

  /// Their ids.
  std::vector<std::int64_t> ids(std::vector<std::string> command,
                                const std::vector<std::string>& filters) {
    command.insert(command.end(), filters.begin(), filters.end());
    std::vector<std::int64_t> found;
    for (const auto& row : answer(std::move(command))) found.push_back(row["id"]);
    return found;
  }

  void sql(const std::string& script) {
    const auto database = sqlite::open({.path = (directory_ / "k.db").string()});
    const auto tx = database->begin();
    database->run_script(*tx, script);
    tx->commit();
  }

 private:
  TemporaryDirectory directory_;
  std::filesystem::path config_ = directory_ / "kinbox.yaml";
};

}  // namespace kinbox::testing

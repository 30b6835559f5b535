#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <fstream>
#include <functional>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "kinbox/sqlite/database.hpp"
#include "support/in_process_cli.hpp"
#include "support/temporary_directory.hpp"

namespace kinbox::testing {

/// Commands over kinbox's tables: a configuration and a migrated SQLite database, without rows.
class DeskCli : public ::testing::Test {
 protected:
  void SetUp() override {
    configure("");
    ASSERT_EQ(run({"migrate", "up"}).exit_code, 0);
  }

  /// The configuration, and `more` sections.
  void configure(const std::string& more) {
    std::ofstream(config_) << "kafka: {bootstrap.servers: '127.0.0.1:1'}\n"
                              "database: {sqlite: k.db}\n"
                              "consumers: [{name: orders, topics: [t], handlers: [h]}]\n"
                           << more;
  }

  CliResult run(std::vector<std::string> arguments) {
    arguments.insert(arguments.end(), {"-c", config_.string()});
    auto spec = handler_;
    spec.name = "h";
    std::ostringstream out;
    std::ostringstream err;
    cli::Invocation invocation{{out, err}, {spec}, environment_, "kinbox", {}, {}, {}, ask_};
    const auto code = cli::run_app(arguments, std::move(invocation));
    return {static_cast<int>(code), out.str(), err.str()};
  }

  /// From now on somebody sits at a terminal, and types this whatever they are asked; `meanwhile`
  /// happens while they think.
  void types(const std::string& typed, std::function<void()> meanwhile = {}) {
    ask_ = [this, typed, meanwhile = std::move(meanwhile)](const std::string& question) {
      asked_ = question;
      if (meanwhile) meanwhile();
      return typed;
    };
  }
  /// What they were asked last.
  const std::string& asked() const noexcept { return asked_; }

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

  std::filesystem::path database_file() const { return directory_ / "k.db"; }
  std::unique_ptr<Database> database() const {
    return sqlite::open({.path = database_file().string()});
  }

  void sql(const std::string& script) {
    const auto opened = database();
    const auto tx = opened->begin();
    opened->run_script(*tx, script);
    tx->commit();
  }

  /// What a query that gives one field gives: "(none)" without a row, "NULL" for it.
  std::string text(const std::string& query) {
    const auto rows = database()->begin()->query(query);
    return rows.empty() ? "(none)" : rows[0].get<std::optional<std::string>>(0).value_or("NULL");
  }

  const std::filesystem::path& directory() const { return directory_.path(); }

  cli::Environment environment_{{"KINBOX_OPERATOR", "zoe@desk"}};
  /// What "h" is, for commands that run it.
  HandlerSpec handler_;

 private:
  TemporaryDirectory directory_;
  std::filesystem::path config_ = directory_ / "kinbox.yaml";
  std::function<std::optional<std::string>(const std::string&)> ask_;
  std::string asked_;
};

}  // namespace kinbox::testing

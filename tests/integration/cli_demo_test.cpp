#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <csignal>
#include <fstream>
#include <nlohmann/json.hpp>

#include "support/child_process.hpp"
#include "support/eventually.hpp"
#include "support/services.hpp"
#include "support/temporary_directory.hpp"

namespace kinbox::testing {
namespace {

using namespace std::chrono_literals;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

const ExitStatus kClean{.code = 0, .signal = {}};

class CliDemo : public ::testing::Test {
 protected:
  std::optional<ExitStatus> run(std::vector<std::string> arguments,
                                std::chrono::milliseconds patience = 60s) {
    arguments.insert(arguments.begin(), KINBOX_BINARY_DIR "/kinbox");
    ChildOptions options;
    options.environment = environment_;
    options.environment["TMPDIR"] = directory_.path().string();
    ChildProcess child(arguments, options);
    const auto status = child.wait_for(patience);
    output_ = child.output();
    errors_ = child.output(ChildProcess::Stream::kErr);
    return status;
  }

  /// Every invariant holds, and there are as many of them as promised.
  void expect_invariants() {
    const auto rows = nlohmann::json::parse(output_);
    EXPECT_EQ(rows.size(), 31u);
    for (const auto& row : rows) EXPECT_EQ(row["found"], row["expected"]) << row;
    EXPECT_EQ(found("confirmations, one per order"), 17);
    EXPECT_EQ(found("duplicates recognised"), 4);
    EXPECT_EQ(found("mail: files in the folder"), 15);
    EXPECT_EQ(found("stock: orders rejected, for want of it"), 1);
    EXPECT_EQ(found("notifications, to buyer and seller"), 36);
    EXPECT_EQ(found("events emitted, acknowledged by Kafka"), 30);
    EXPECT_EQ(found("dead letters"), 2);
    EXPECT_EQ(found("... brought back by dlq retry"), 1);
    EXPECT_EQ(found("events that waited for their key, confirmed"), 3);
    EXPECT_EQ(found("position law: verdicts counted"), 22);
  }

  std::int64_t found(const std::string& invariant) {
    for (const auto& row : nlohmann::json::parse(output_))
      if (row["invariant"] == invariant) return row["found"];
    return -1;
  }

  TemporaryDirectory directory_;
  std::map<std::string, std::optional<std::string>> environment_;
  std::string output_;
  std::string errors_;
};

TEST_F(CliDemo, HoldsItsInvariantsWithinAMinuteAndLeavesADatabaseToLookAt) {
  const auto dir = (directory_ / "stage").string();
  // Meant for the user's own configuration, not for the demo's.
  environment_["KINBOX_DATABASE_URL"] = "sqlite:" + (directory_ / "mine.db").string();
  ASSERT_EQ(run({"demo", "-o", "json", "--dir", dir}), kClean) << errors_;
  expect_invariants();
  EXPECT_FALSE(std::filesystem::exists(directory_ / "mine.db"));
  environment_.clear();
  EXPECT_THAT(errors_, AllOf(HasSubstr("dies after the database's COMMIT"),
                             HasSubstr("dies inside a transaction"), HasSubstr("waiting for"),
                             HasSubstr("Kafka was told of 0 records"),
                             HasSubstr("3 events are parked, in order; confirmations: 1 more"),
                             HasSubstr("kinbox dlq retry --all: 2 letters are requested"),
                             HasSubstr("18 of 36 notifications are gone"),
                             HasSubstr("36 notifications again, each once")));

  const auto command = " status --no-kafka --config " + dir + "/kinbox.yaml";
  EXPECT_THAT(errors_, HasSubstr(command));
  EXPECT_EQ(run({"status", "--no-kafka", "--config", dir + "/kinbox.yaml", "-o", "jsonl"}), kClean)
      << errors_;
  EXPECT_THAT(output_, HasSubstr("\"consumer\":\"confirmations\""));
  EXPECT_EQ(run({"status", "--no-kafka", "--check", "--config", dir + "/kinbox.yaml"}),
            (ExitStatus{.code = 2, .signal = {}}))
      << "a dead letter is open";

  EXPECT_EQ(run({"demo", "--dir", dir}), (ExitStatus{.code = 1, .signal = {}}))
      << "what is there is not overwritten";
  EXPECT_THAT(errors_, HasSubstr("kinbox.yaml"));
}

TEST_F(CliDemo, AsksBeforeItTouchesRealServices) {
  const ExitStatus usage{.code = 64, .signal = {}};
  EXPECT_EQ(run({"demo", "--brokers", "127.0.0.1:1"}), usage);
  EXPECT_THAT(errors_, AllOf(HasSubstr("This will create topics"), HasSubstr("--yes")));
  EXPECT_EQ(run({"demo", "--database", "postgresql://u:s3cret@h/db"}), usage);
  EXPECT_THAT(errors_, AllOf(HasSubstr("schema kinbox_demo_"), Not(HasSubstr("s3cret"))));
}

TEST_F(CliDemo, RefusesADatabaseItDoesNotKnow) {
  EXPECT_EQ(run({"demo", "--yes", "--database", "mysql://h/db"}),
            (ExitStatus{.code = 78, .signal = {}}));
  EXPECT_THAT(errors_, HasSubstr("--database should be"));
}

TEST_F(CliDemo, DoesNotTouchASqliteFileThatIsThere) {
  const auto file = (directory_ / "mine.db").string();
  std::ofstream(file) << "mine";
  EXPECT_EQ(run({"demo", "--yes", "--database", "sqlite:" + file}),
            (ExitStatus{.code = 78, .signal = {}}));
  EXPECT_THAT(errors_, HasSubstr("mine.db exists"));
}

TEST_F(CliDemo, ConsumerDoesNotOutliveTheDemo) {
  ChildProcess demo({KINBOX_BINARY_DIR "/kinbox", "demo", "--dir", (directory_ / "s").string()});
  const auto line =
      demo.wait_for_line("a consumer starts as process ", 20s, ChildProcess::Stream::kErr);
  ASSERT_TRUE(line);
  const auto pid = std::stoi(line->substr(line->rfind(' ')));
  demo.kill();
  EXPECT_TRUE(eventually([&] { return kill(pid, 0) != 0; })) << "process " << pid;
}

TEST_F(CliDemo, UnreachableServicesAreUnavailable) {
  EXPECT_EQ(run({"demo", "--yes", "--brokers", "127.0.0.1:1"}),
            (ExitStatus{.code = 69, .signal = {}}))
      << errors_;
  EXPECT_EQ(run({"demo", "produce", "--brokers", "127.0.0.1:1"}),
            (ExitStatus{.code = 69, .signal = {}}))
      << errors_;
}

class CliDemoServices : public CliDemo {
 protected:
  void SetUp() override {
    KINBOX_REQUIRE_KAFKA();
    KINBOX_REQUIRE_POSTGRES();
  }
};

TEST_F(CliDemoServices, PlaysTheSameActsOnRealKafkaAndPostgres) {
  ASSERT_EQ(run({"demo", "--yes", "-o", "json", "--brokers", KafkaService::get().brokers(),
                 "--database", PostgresService::get().uri()},
                110s),
            kClean)
      << errors_;
  expect_invariants();
  EXPECT_THAT(errors_, HasSubstr("Left behind on Kafka"));
}

TEST_F(CliDemoServices, ProduceNeedsATopicThatExists) {
  EXPECT_EQ(run({"demo", "produce", "--brokers", KafkaService::get().brokers(), "--topic",
                 "kinbox.no.such.topic"}),
            (ExitStatus{.code = 69, .signal = {}}));
  EXPECT_THAT(errors_, HasSubstr("no topic kinbox.no.such.topic"));
}

}  // namespace
}  // namespace kinbox::testing

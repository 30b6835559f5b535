// Ranges that are said in times, on brokers that do not know where those are.
#include <gmock/gmock.h>

#include <fstream>
#include <nlohmann/json.hpp>

#include "kinbox/sqlite/database.hpp"
#include "support/in_process_cli.hpp"
#include "support/mock_kafka.hpp"
#include "support/temporary_directory.hpp"

namespace kinbox::cli {
namespace {

using kinbox::testing::CliResult;
using kinbox::testing::run_cli;
using kinbox::testing::text_record;
using nlohmann::json;

class IgnoreEvent : public Handler {
 public:
  void handle(const Event&, Transaction&) override {}
};

class CliTimes : public kinbox::testing::MockKafkaTest {
 protected:
  /// Five events, one a minute, which nobody has seen before the consumer's position.
  void SetUp() override {
    std::ofstream(config_) << "kafka: {bootstrap.servers: '" << cluster_.bootstrap_servers()
                           << "'}\ndatabase: {sqlite: k.db}\noutbox: {relay: none}\n"
                              "consumers:\n  - {name: c, topics: [orders], handlers: [h], "
                              "dlq_topic: none}\n";
    ASSERT_EQ(run({"migrate", "up"}).exit_code, 0);
    const auto database = sqlite::open({.path = (directory_ / "k.db").string()});
    const auto tx = database->begin();
    tx->execute(
        "INSERT INTO consumer_progress (consumer, topic, partition, first_offset, next_offset, "
        "applied) VALUES ('c', 'orders', 0, 0, 5, 5)");
    tx->commit();
    std::vector<OwnedRecord> records;
    for (int minute = 0; minute < 5; ++minute) {
      records.push_back(text_record(
          kTopic, 0, R"({"eventId":"e)" + std::to_string(minute) + R"(","eventType":"Created"})"));
      records.back().timestamp = Timestamp{std::chrono::minutes{minute + 1}};
    }
    produce(records);
  }

  CliResult run(std::vector<std::string> arguments) {
    HandlerSpec spec;
    spec.name = "h";
    spec.event_types = {"*"};
    spec.make = [](const HandlerContext&) { return std::make_unique<IgnoreEvent>(); };
    arguments.insert(arguments.end(), {"-c", config_.string()});
    return run_cli(arguments, {spec});
  }

  kinbox::testing::TemporaryDirectory directory_;
  std::filesystem::path config_ = directory_ / "kinbox.yaml";
};

TEST_F(CliTimes, AreARangeToReplay) {
  const auto result =
      run({"replay", "plan", "--consumer", "c", "--to-datetime", "1970-01-01T00:01:30Z",
           "--until-datetime", "1970-01-01T00:04:00.000Z", "-o", "json"});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  const auto row = json::parse(result.out).at(0);
  EXPECT_EQ(row["begin"], 1);
  EXPECT_EQ(row["end"], 3);
  EXPECT_EQ(row["never_seen"], 2);
}

TEST_F(CliTimes, AreAPlaceToSetAPositionTo) {
  const auto result = run({"position", "set", "--consumer", "c", "--to-datetime",
                           "1970-01-01T00:03:00Z", "--dry-run", "-o", "json"});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  EXPECT_EQ(json::parse(result.out).at(0)["new_position"], 2) << result.out;
}

}  // namespace
}  // namespace kinbox::cli

// `kinbox position` beside `kinbox run`, as processes on a real broker.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <csignal>
#include <fstream>
#include <nlohmann/json.hpp>

#include "kinbox/kafka/admin.hpp"
#include "kinbox/kafka/groups.hpp"
#include "kinbox/sqlite/database.hpp"
#include "support/child_process.hpp"
#include "support/eventually.hpp"
#include "support/kafka.hpp"
#include "support/reset_offsets.hpp"
#include "support/services.hpp"
#include "support/temporary_directory.hpp"
#include "support/unique_name.hpp"

namespace kinbox::testing {
namespace {

using namespace std::chrono_literals;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr auto kErr = ChildProcess::Stream::kErr;

ExitStatus exited(int code) { return {.code = code, .signal = {}}; }

class CliPositionKafka : public ::testing::Test {
 protected:
  void SetUp() override {
    KINBOX_REQUIRE_KAFKA();
    brokers_ = KafkaService::get().brokers();
    admin_ = std::make_unique<kafka::Admin>(settings());
    admin_->create_topic({.name = topic_, .partitions = 1});
    configure("");
  }

  kafka::Settings settings() const { return kafka::Settings({{"bootstrap.servers", brokers_}}); }

  void configure(const std::string& more) {
    std::ofstream(config_) << "kafka: {bootstrap.servers: '" << brokers_
                           << "', session.timeout.ms: '6000'}\n"
                              "database: {sqlite: k.db}\nconsumers:\n"
                           << "  - {name: orders, group: " << topic_ << ", topics: [" << topic_
                           << "], handlers: [order_view]" << more << "}\n";
  }

  void send_orders(int first, int count) {
    std::vector<OwnedRecord> records;
    for (int i = first; i < first + count; ++i)
      records.push_back(text_record(
          topic_, 0,
          R"({"eventId":"e-)" + std::to_string(i) +
              R"(","eventType":"ORDER_CREATED","orderId":"o-)" + std::to_string(i) +
              R"(","buyerId":"b","sellerIds":["s"],"totalAmount":12.50,"orderNumber":"n"})"));
    produce(brokers_, records);
  }

  std::unique_ptr<ChildProcess> start(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), KINBOX_BINARY_DIR "/kinbox");
    arguments.insert(arguments.end(), {"--config", config_.string()});
    return std::make_unique<ChildProcess>(arguments, ChildOptions{});
  }
  std::optional<ExitStatus> run(const std::vector<std::string>& arguments) {
    const auto child = start(arguments);
    const auto status = child->wait_for(40s);
    errors_ = child->output(kErr);
    output_ = child->output();
    return status;
  }
  void run_until_idle() { ASSERT_EQ(run({"run", "--until-idle"}), exited(0)) << errors_; }

  std::int64_t number(const std::string& sql) {
    const auto database = sqlite::open({.path = (directory_ / "k.db").string(), .create = false});
    return database->begin()->query(sql)[0].get<std::int64_t>(0);
  }
  std::int64_t progress(const std::string& column) {
    return number("SELECT " + column + " FROM consumer_progress");
  }
  kafka::GroupOffset committed() {
    const TopicPartition partition{topic_, 0};
    return kafka::Groups(settings()).offsets(topic_, {&partition, 1}).at(partition);
  }
  void reset_to(Offset offset) {
    const PartitionOffset reset{{topic_, 0}, offset};
    // The group is empty a moment after its last member left.
    ASSERT_TRUE(eventually([&] { return kafka::Groups(settings()).state(topic_).is_empty(); }));
    reset_offsets(brokers_, topic_, {&reset, 1});
  }

  TemporaryDirectory directory_;
  std::filesystem::path config_ = directory_ / "kinbox.yaml";
  std::string topic_ = unique_name("position");
  std::string brokers_;
  std::unique_ptr<kafka::Admin> admin_;
  std::string errors_;
  std::string output_;
};

TEST_F(CliPositionKafka, IsSetWhenNobodyIsAtWorkAndTellsKafka) {
  send_orders(0, 4);
  const auto child = start({"run"});
  ASSERT_TRUE(eventually([&] {
    return std::filesystem::exists(directory_ / "k.db") &&
           child->output(kErr).find("progress") != std::string::npos;
  })) << child->output(kErr);
  EXPECT_EQ(run({"position", "set", "--to-earliest", "--yes"}), exited(3));
  EXPECT_THAT(errors_, AllOf(HasSubstr("group " + topic_ + " is Stable, its members are "),
                             HasSubstr("stop the consumer")));
  child->signal(SIGTERM);
  ASSERT_EQ(child->wait_for(20s), exited(0)) << child->output(kErr);
  EXPECT_EQ(progress("next_offset"), 4);

  EXPECT_EQ(run({"position", "set", "--shift-by", "-3", "--dry-run", "-o", "json"}), exited(0));
  EXPECT_EQ(nlohmann::json::parse(output_)[0]["new_position"], 1) << output_;
  EXPECT_EQ(progress("next_offset"), 4);
  EXPECT_EQ(run({"position", "set", "--shift-by", "-3", "--yes"}), exited(0)) << errors_;
  EXPECT_EQ(progress("next_offset"), 1);
  EXPECT_EQ(committed(), (kafka::GroupOffset{1, true}));
  run_until_idle();
  EXPECT_THAT(errors_, Not(HasSubstr("offsets_reset")));
  EXPECT_EQ(progress("duplicates"), 3);
  EXPECT_EQ(number("SELECT count(*) FROM order_view"), 4);
}

TEST_F(CliPositionKafka, AResetByKafkasToolsIsNoticedAndAdoptedOnlyWhenSaid) {
  send_orders(0, 4);
  run_until_idle();
  reset_to(1);
  run_until_idle();
  EXPECT_THAT(errors_, AllOf(HasSubstr("offsets_reset"), HasSubstr("has offset 1 in Kafka"),
                             HasSubstr("kinbox position set --consumer orders --topic " + topic_ +
                                       ":0 --to-offset 1")));
  EXPECT_EQ(progress("duplicates"), 0) << "the database's position stays";
  EXPECT_EQ(run({"position", "show", "-o", "json"}), exited(0));
  const auto shown = nlohmann::json::parse(output_)[0];
  EXPECT_EQ(shown["position"], 4);
  EXPECT_EQ(shown["committed"], 1);
  EXPECT_EQ(shown["log_start"], 0);
  EXPECT_EQ(shown["log_end"], 4);
  EXPECT_EQ(shown["lag"], 0);

  EXPECT_EQ(run({"position", "set", "--to-committed", "--yes"}), exited(0)) << errors_;
  run_until_idle();
  EXPECT_THAT(errors_, Not(HasSubstr("offsets_reset")));
  EXPECT_EQ(progress("duplicates"), 3);
}

TEST_F(CliPositionKafka, RecordsOfWhichNobodyKnowsComeAgainOnlyWhenSaid) {
  send_orders(0, 4);
  reset_to(2);
  run_until_idle();
  EXPECT_EQ(number("SELECT count(*) FROM order_view"), 2);
  EXPECT_EQ(run({"position", "set", "--to-earliest", "--yes"}), exited(3));
  EXPECT_THAT(errors_, HasSubstr("Say --treat-as-new"));
  EXPECT_EQ(run({"position", "set", "--to-earliest", "--yes", "--treat-as-new"}), exited(0))
      << errors_;
  run_until_idle();
  EXPECT_EQ(number("SELECT count(*) FROM order_view"), 4);
  EXPECT_EQ(number("SELECT sum(duplicates) FROM consumer_progress"), 2);
}

TEST_F(CliPositionKafka, WhatIsExportedIsImported) {
  send_orders(0, 4);
  run_until_idle();
  ASSERT_EQ(run({"position", "export"}), exited(0)) << errors_;
  EXPECT_EQ(output_, topic_ + ",0,4\n");
  const auto file = (directory_ / "positions.csv").string();
  std::ofstream(file) << output_;
  ASSERT_TRUE(eventually([&] { return kafka::Groups(settings()).state(topic_).is_empty(); }));
  ASSERT_EQ(run({"position", "set", "--to-earliest", "--yes"}), exited(0)) << errors_;
  EXPECT_EQ(progress("next_offset"), 0);
  ASSERT_EQ(run({"position", "import", file, "--yes"}), exited(0)) << errors_;
  EXPECT_EQ(progress("next_offset"), 4);
  EXPECT_EQ(run({"position", "import", file, "--yes"}), exited(0));
  EXPECT_THAT(errors_, HasSubstr("the positions are there already"));
  std::ofstream(file) << "other," << topic_ << ",0,1\n" << topic_ << ',' << topic_ << ",0,2\n";
  EXPECT_EQ(run({"position", "import", file, "--yes"}), exited(3))
      << "what was passed over on the way back is nobody's";
  ASSERT_EQ(run({"position", "import", file, "--yes", "--treat-as-new"}), exited(0)) << errors_;
  EXPECT_EQ(progress("next_offset"), 2);
  std::ofstream(file) << "other," << topic_ << ",0,1\n";
  EXPECT_EQ(run({"position", "import", file, "--yes"}), exited(64));
}

TEST_F(CliPositionKafka, ARunGoesOnBehindAGapThatIsAccepted) {
  send_orders(0, 2);
  run_until_idle();
  send_orders(2, 4);
  const PartitionOffset before{{topic_, 0}, 4};
  admin_->delete_records({&before, 1});
  const auto child = start({"run"});
  ASSERT_TRUE(child->wait_for_line("starts at offset 4, our position is 2", 30s, kErr))
      << child->output(kErr);
  EXPECT_EQ(run({"position", "accept-gap", "--yes", "--note", "retention was too short"}),
            exited(0))
      << errors_;
  EXPECT_TRUE(eventually([&] { return progress("next_offset") == 6; })) << child->output(kErr);
  EXPECT_EQ(progress("gaps"), 2);
  EXPECT_EQ(progress("applied"), 4);
  child->signal(SIGTERM);
  EXPECT_EQ(child->wait_for(20s), exited(0)) << child->output(kErr);
}

TEST_F(CliPositionKafka, ARunTriesAReleasedPartitionAgain) {
  configure(", on_error: {then: halt}");
  produce(brokers_, std::vector<OwnedRecord>{text_record(topic_, 0, "no JSON")});
  const auto child = start({"run"});
  ASSERT_TRUE(child->wait_for_line("halted", 30s, kErr)) << child->output(kErr);
  const auto epoch = progress("epoch");
  EXPECT_EQ(run({"position", "release", "--yes"}), exited(0)) << errors_;
  EXPECT_TRUE(eventually([&] {
    return progress("epoch") > epoch && progress("state = 'halted'") == 1;
  })) << child->output(kErr);
  child->signal(SIGTERM);
  EXPECT_EQ(child->wait_for(20s), exited(0)) << child->output(kErr);
}

TEST_F(CliPositionKafka, ANewTopicIsBegunWith) {
  send_orders(0, 4);
  run_until_idle();
  admin_->delete_topic(topic_);
  ASSERT_TRUE(eventually([&] { return !admin_->topic_exists(topic_); }));
  ASSERT_TRUE(eventually([&] {
    try {
      admin_->create_topic({.name = topic_, .partitions = 1});
      return true;
    } catch (const Error&) {
      return false;  // it is still being deleted
    }
  }));
  send_orders(3, 2);
  EXPECT_EQ(run({"run", "--until-idle"}), exited(2)) << errors_;
  EXPECT_EQ(run({"position", "accept-gap", "--new-topic", "--yes"}), exited(0)) << errors_;
  run_until_idle();
  EXPECT_EQ(number("SELECT count(*) FROM order_view"), 5);
  EXPECT_EQ(progress("duplicates"), 1);
  EXPECT_EQ(progress("next_offset"), 2);
}

}  // namespace
}  // namespace kinbox::testing

// Windows against what a real broker keeps.
#include <gmock/gmock.h>

#include <csignal>
#include <fstream>

#include "cli/retention/topic_retention.hpp"
#include "handlers/handlers.hpp"
#include "kinbox/sqlite/database.hpp"
#include "support/broker_kafka.hpp"
#include "support/child_process.hpp"
#include "support/eventually.hpp"
#include "support/in_process_cli.hpp"
#include "support/temporary_directory.hpp"

namespace kinbox::testing {
namespace {

using namespace std::chrono_literals;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

class RetentionOnKafka : public BrokerKafkaTest {
 protected:
  /// "1d", by a topic that keeps records for a day and closes segments after another.
  void create_topic_of_two_days() {
    create_topic(1, {{"retention.ms", "86400000"}, {"segment.ms", "86400000"}});
    wait_for_topic();
  }
  void wait_for_topic() {
    ASSERT_TRUE(eventually([&] { return admin_->topic_exists(topic_); }));
  }

  void configure(const std::string& retention) {
    std::ofstream out(config_);
    out << "kafka:\n";
    for (const auto& [key, value] : fast_settings(brokers_))
      out << "  " << key << ": '" << value << "'\n";
    out << "database: {sqlite: k.db}\nconsumers:\n  - {name: orders, group: " << group_
        << ", topics: [" << topic_ << "], handlers: [order_view]}\n"
        << "retention: {" << retention << "}\n";
  }

  CliResult cli(std::vector<std::string> arguments) {
    arguments.insert(arguments.end(), {"-c", config_.string()});
    return run_cli(arguments, shipped_handlers());
  }

  /// Runs to the end; its stderr is in `errors_`.
  std::optional<ExitStatus> run() {
    ChildProcess child(
        {KINBOX_BINARY_DIR "/kinbox", "run", "--until-idle", "--config", config_.string()});
    const auto status = child.wait_for(40s);
    errors_ = child.output(ChildProcess::Stream::kErr);
    return status;
  }

  TemporaryDirectory directory_;
  std::filesystem::path config_ = directory_ / "kinbox.yaml";
  std::string errors_;
};

TEST_F(RetentionOnKafka, TheBrokerSaysHowLongATopicKeepsRecords) {
  create_topic_of_two_days();
  const auto ask = cli::ask_brokers(kafka::Settings(fast_settings(brokers_)));
  const auto found = ask(topic_);
  ASSERT_TRUE(found);
  EXPECT_EQ(found->time, 24h);
  EXPECT_EQ(found->segment, 24h);
  EXPECT_FALSE(found->compacted);
  EXPECT_FALSE(ask("no-such-topic"));
}

TEST_F(RetentionOnKafka, AlsoForEverAndCompacted) {
  create_topic(1, {{"retention.ms", "-1"}, {"cleanup.policy", "compact"}});
  wait_for_topic();
  const auto found = cli::ask_brokers(kafka::Settings(fast_settings(brokers_)))(topic_);
  ASSERT_TRUE(found);
  EXPECT_FALSE(found->time);
  EXPECT_TRUE(found->compacted);
}

TEST_F(RetentionOnKafka, PruneRefusesAWindowThatTheTopicOutlives) {
  create_topic_of_two_days();
  configure("inbox: 47h");
  ASSERT_EQ(cli({"migrate", "up"}).exit_code, 0);
  const auto refused = cli({"prune"});
  EXPECT_EQ(refused.exit_code, 3);
  EXPECT_THAT(refused.err, AllOf(HasSubstr("topic " + topic_ + " may keep its records for 2d"),
                                 HasSubstr("--confirm orders")));
  EXPECT_THAT(cli({"prune", "--dry-run"}).err, HasSubstr("would be refused"));
  EXPECT_EQ(cli({"prune", "--confirm", "orders"}).exit_code, 0);
  configure("inbox: 48h");
  EXPECT_EQ(cli({"prune"}).exit_code, 0);
  configure("inbox: 25h, margin: 1h");
  EXPECT_EQ(cli({"prune"}).exit_code, 0);
}

TEST_F(RetentionOnKafka, RunWarnsAndWithStrictRefuses) {
  create_topic_of_two_days();
  configure("inbox: 47h");
  EXPECT_EQ(run(), (ExitStatus{.code = 0, .signal = {}})) << errors_;
  EXPECT_THAT(errors_, AllOf(HasSubstr("short_window"), HasSubstr("for 2d")));
  configure("inbox: 47h, strict: true");
  EXPECT_EQ(run(), (ExitStatus{.code = 3, .signal = {}})) << errors_;
  EXPECT_THAT(errors_, HasSubstr("retention.confirm"));
  configure("inbox: 47h, strict: true, confirm: [orders]");
  EXPECT_EQ(run(), (ExitStatus{.code = 0, .signal = {}})) << errors_;
  EXPECT_THAT(errors_, Not(HasSubstr("short_window")));
}

TEST_F(RetentionOnKafka, RunPrunesByItsSchedule) {
  create_topic_of_two_days();
  configure("inbox: 48h, every: 1s");
  ASSERT_EQ(cli({"migrate", "up"}).exit_code, 0);
  const auto database = sqlite::open({.path = (directory_ / "k.db").string()});
  {
    const auto tx = database->begin();
    tx->execute(
        "INSERT INTO consumer_progress (consumer, topic, partition, first_offset, next_offset, "
        "applied) VALUES ('orders', $1, 7, 0, 10, 10)",
        topic_);
    tx->execute(
        "INSERT INTO processed_events (consumer, event_id, topic, partition, record_offset, "
        "event_type, verdict, fingerprint, processed_at) VALUES ('orders', 'e', $1, 7, 3, 'Paid', "
        "'applied', x'00', '2020-01-01T00:00:00.000Z')",
        topic_);
    tx->commit();
  }
  ChildProcess child({KINBOX_BINARY_DIR "/kinbox", "run", "--config", config_.string()});
  EXPECT_TRUE(eventually([&] {
    return database->begin()
               ->query("SELECT dedup_floor FROM consumer_progress WHERE partition = 7")[0]
               .get<std::int64_t>(0) == 4;
  }));
  child.signal(SIGTERM);
  EXPECT_EQ(child.wait_for(30s), (ExitStatus{.code = 0, .signal = {}}))
      << child.output(ChildProcess::Stream::kErr);
}

}  // namespace
}  // namespace kinbox::testing

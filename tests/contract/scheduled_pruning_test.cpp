#include "cli/retention/scheduled_pruning.hpp"

#include <gmock/gmock.h>

#include <sstream>

#include "kinbox/errors.hpp"
#include "support/eventually.hpp"
#include "support/test_database.hpp"

namespace kinbox::cli {
namespace {

using std::chrono::days;
using std::chrono::hours;
using std::chrono::milliseconds;
using ::testing::AllOf;
using testing::DatabaseContract;
using testing::eventually;
using ::testing::HasSubstr;
using ::testing::Not;

class ScheduledPruningContract : public DatabaseContract {
 protected:
  void prepare() override {
    DatabaseContract::prepare();
    script(
        "INSERT INTO {kinbox}.consumers (name, group_id) VALUES ('orders', 'g');"
        "INSERT INTO {kinbox}.consumer_progress (consumer, topic, partition, first_offset, "
        "next_offset, applied) VALUES ('orders', 't', 0, 0, 100, 100);"
        "INSERT INTO {kinbox}.outbox (lane, message_id, topic, state, created_at) "
        "VALUES (0, 'm', 't', 'discarded', '2020-01-01T00:00:00.000Z')");
    old_event();
    consumer_.name = "orders";
    consumer_.topics = {"t"};
    retention_.windows = {.inbox = days{30}, .outbox = days{7}};
    retention_.every = hours{1};
  }

  void old_event() {
    script(
        "INSERT INTO {kinbox}.processed_events (consumer, event_id, topic, partition, "
        "record_offset, event_type, verdict, fingerprint, processed_at) VALUES ('orders', 'e', "
        "'t', 0, 1, 'Paid', 'applied', " +
        std::string(is_sqlite() ? "x'00'" : "'\\x00'") + ", '2020-01-01T00:00:00.000Z')");
  }

  std::unique_ptr<ScheduledPruning> process() {
    return std::make_unique<ScheduledPruning>(
        retention_, std::vector{consumer_}, home().factory(),
        [this](const std::string& topic) { return ask_(topic); }, log_);
  }
  void run_once() { process()->run_once({}); }
  std::int64_t events() { return number("SELECT count(*) FROM {kinbox}.processed_events"); }
  std::int64_t outbox() { return number("SELECT count(*) FROM {kinbox}.outbox"); }

  ConsumerConfig consumer_;
  RetentionConfig retention_;
  AskTopic ask_ = [](const std::string&) {
    return TopicRetention{.time = days{7}, .segment = days{7}, .compacted = false};
  };
  std::ostringstream text_;
  observe::Log log_{{.format = observe::LogFormat::kJson}, text_};
};
KINBOX_FOR_ALL_DATABASES(ScheduledPruningContract);

TEST_P(ScheduledPruningContract, PrunesWhatIsDueAndSaysSo) {
  run_once();
  EXPECT_EQ(events(), 0);
  EXPECT_EQ(outbox(), 0);
  EXPECT_THAT(text_.str(),
              AllOf(HasSubstr("rows deleted: 1 of inbox"), HasSubstr("rows deleted: 1 of outbox")));
}

TEST_P(ScheduledPruningContract, DoesSoInOneProcessAndNotBeforeItsTime) {
  run_once();
  old_event();
  run_once();
  EXPECT_EQ(events(), 1) << "an hour has not passed";
  script("UPDATE {kinbox}.prunings SET begun_at = '2020-01-01T00:00:00.000Z'");
  run_once();
  EXPECT_EQ(events(), 0);
}

TEST_P(ScheduledPruningContract, LeavesAnInboxAloneThatATopicOutlives) {
  ask_ = [](const std::string&) { return TopicRetention{.time = days{90}, .segment = days{1}}; };
  run_once();
  EXPECT_EQ(events(), 1);
  EXPECT_EQ(outbox(), 0) << "the rest is pruned";
}

TEST_P(ScheduledPruningContract, PrunesItAllTheSameWhereSomebodyAgreed) {
  ask_ = [](const std::string&) -> std::optional<TopicRetention> {
    throw InfrastructureError("nobody may ask");
  };
  retention_.confirm = {"orders"};
  run_once();
  EXPECT_EQ(events(), 0);
}

TEST_P(ScheduledPruningContract, WaitsForABrokerThatCanBeAsked) {
  ask_ = [](const std::string&) -> std::optional<TopicRetention> {
    throw InfrastructureError("no broker answered");
  };
  run_once();
  EXPECT_EQ(events(), 1);
  EXPECT_THAT(text_.str(), HasSubstr("no broker answered"));
}

TEST_P(ScheduledPruningContract, LeavesAConsumerAloneWhileAReplayTrustsItsInbox) {
  script(
      "INSERT INTO {kinbox}.replays (consumer, mode, plan_hash, plan, who) "
      "VALUES ('orders', 'fill', 'h', '{}', 'zoe')");
  run_once();
  EXPECT_EQ(events(), 1);
  EXPECT_THAT(text_.str(), HasSubstr("has not ended"));
}

TEST_P(ScheduledPruningContract, WorksOnAThreadOfItsOwnUntilItIsToldToStop) {
  const auto pruning = process();
  pruning->start();
  EXPECT_TRUE(eventually([&] { return events() == 0; }));
  pruning->request_stop();
}

TEST_P(ScheduledPruningContract, AnOutageIsSaidAndIsNotTheEnd) {
  bool away = true;
  ScheduledPruning pruning(
      retention_, {consumer_},
      [&] {
        if (std::exchange(away, false)) throw InfrastructureError("the database is away");
        return connect();
      },
      ask_, log_);
  EXPECT_THROW(pruning.run_once({}), InfrastructureError);
  pruning.run_once({});
  EXPECT_EQ(events(), 0);
}

}  // namespace
}  // namespace kinbox::cli

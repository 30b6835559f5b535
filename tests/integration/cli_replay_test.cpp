// kinbox replay on a real broker: ranges, what retention and compaction leave, worlds that move.
#include <gmock/gmock.h>

#include <fstream>
#include <nlohmann/json.hpp>

#include "core/replay/replay_plan.hpp"
#include "core/replay/replay_rows.hpp"
#include "kinbox/kafka/log_reader.hpp"
#include "kinbox/sqlite/database.hpp"
#include "support/broker_kafka.hpp"
#include "support/eventually.hpp"
#include "support/in_process_cli.hpp"
#include "support/temporary_directory.hpp"

namespace kinbox::cli {
namespace {

using kinbox::testing::CliResult;
using kinbox::testing::eventually;
using kinbox::testing::run_cli;
using kinbox::testing::text_record;
using nlohmann::json;
using ::testing::AllOf;
using ::testing::HasSubstr;

class InsertRow : public Handler {
 public:
  void handle(const Event& event, Transaction& tx) override {
    tx.execute("INSERT INTO effects (event_id) VALUES ($1)", event.id());
  }
  void prepare_reprocess(const ReplayRange&, Transaction& tx) override {
    tx.execute("DELETE FROM effects");
  }
};

class CliReplayRun : public kinbox::testing::BrokerKafkaTest {
 protected:
  void SetUp() override {
    BrokerKafkaTest::SetUp();
    if (IsSkipped() || HasFatalFailure()) return;
    create_topic(1, topic_config());
    std::ofstream(config_) << "kafka: {bootstrap.servers: '" << brokers_
                           << "', session.timeout.ms: '6000'}\n"
                           << "database: {sqlite: k.db}\noutbox: {relay: none}\n"
                           << "consumers:\n  - {name: orders, group: " << group_ << ", topics: ["
                           << topic_ << "], handlers: [h], dlq_topic: none}\n";
    ASSERT_EQ(run({"migrate", "up"}).exit_code, 0);
    execute("CREATE TABLE effects (event_id TEXT NOT NULL)");
  }

  virtual std::map<std::string, std::string> topic_config() const {
    return {{"retention.ms", "-1"}};
  }

  CliResult run(std::vector<std::string> arguments) {
    HandlerSpec spec;
    spec.name = "h";
    spec.event_types = {"*"};
    spec.make = [](const HandlerContext&) { return std::make_unique<InsertRow>(); };
    spec.traits.reprocessable = true;
    arguments.insert(arguments.end(), {"-c", config_.string()});
    return run_cli(arguments, {spec});
  }
  CliResult plan(std::vector<std::string> more) {
    more.insert(more.begin(),
                {"replay", "plan", "--consumer", "orders", "--file", plan_, "-o", "json"});
    return run(more);
  }
  json planned(const std::vector<std::string>& more) {
    const auto result = plan(more);
    EXPECT_EQ(result.exit_code, 0) << result.err;
    const auto rows = json::parse(result.out);
    return rows.empty() ? json() : rows[0];
  }
  CliResult apply(std::vector<std::string> more = {"--yes"}) {
    more.insert(more.begin(), {"replay", "apply", plan_});
    return run(more);
  }

  /// Events "PREFIX0" to "PREFIX<count - 1>".
  void send(const std::string& prefix, int count) {
    std::vector<OwnedRecord> records;
    for (int n = 0; n < count; ++n) {
      auto record = text_record(
          topic_, 0,
          R"({"eventId":")" + prefix + std::to_string(n) + R"(","eventType":"Created"})");
      record.key = "k" + std::to_string(n % 3);
      records.push_back(std::move(record));
    }
    produce(records);
  }
  void consume() {
    const auto result = run({"run", "--until-idle"});
    ASSERT_EQ(result.exit_code, 0) << result.err;
  }
  void execute(const std::string& sql) {
    const auto database = sqlite::open({.path = (directory_ / "k.db").string()});
    const auto tx = database->begin();
    tx->execute(sql);
    tx->commit();
  }
  std::int64_t number(const std::string& sql) {
    const auto database = sqlite::open({.path = (directory_ / "k.db").string()});
    const auto tx = database->begin();
    return tx->query(sql)[0].get<std::int64_t>(0);
  }
  void recreate_topic() {
    admin_->delete_topic(topic_);
    ASSERT_TRUE(eventually([&] {
      try {
        create_topic(1, topic_config());
        return true;
      } catch (const Error&) {
        return false;  // it is still being deleted
      }
    }));
  }
  /// Begins the replay of the plan, and leaves it there.
  void begin_and_leave() {
    std::ifstream in(plan_);
    const auto plan = read_plan(std::string{std::istreambuf_iterator<char>(in), {}});
    const ReplayChoices choices{.mode = plan.mode};
    const auto database = sqlite::open({.path = (directory_ / "k.db").string()});
    const auto tx = database->begin();
    ReplayRows(tx->dialect())
        .record(*tx, {.consumer = plan.consumer,
                      .choices = choices,
                      .plan_hash = hash_of(plan),
                      .plan = to_text(plan, choices),
                      .who = "somebody",
                      .audit_id = 0,
                      .pieces = {{plan.partitions[0].slice, plan.partitions[0].topic_id, false}}});
    tx->commit();
  }
  std::int64_t effects() { return number("SELECT count(*) FROM effects"); }

  kinbox::testing::TemporaryDirectory directory_;
  std::filesystem::path config_ = directory_ / "kinbox.yaml";
  std::string plan_ = (directory_ / "plan.json").string();
};

TEST_F(CliReplayRun, FillRunsAGapAndMovesNoPosition) {
  send("e", 10);
  consume();
  execute("DELETE FROM processed_events WHERE event_id IN ('e3', 'e4')");
  execute("DELETE FROM effects WHERE event_id IN ('e3', 'e4')");
  const auto row = planned({"--to-offset", "2", "--until-offset", "8"});
  EXPECT_EQ(row["in_range"], 6);
  EXPECT_EQ(row["never_seen"], 2);
  EXPECT_EQ(row["applied"], 4);
  EXPECT_EQ(effects(), 8) << "a plan changes nothing";
  const auto told = subscribed()->told(partition(0));
  EXPECT_EQ(apply({}).exit_code, 64) << "nobody was asked";
  const auto result = apply();
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_THAT(result.err, HasSubstr("applied 2, known 4"));
  EXPECT_EQ(effects(), 10);
  EXPECT_EQ(number("SELECT next_offset FROM consumer_progress"), 10);
  EXPECT_EQ(subscribed()->told(partition(0)), told);
  // The same plan again meets nothing to do, and says so.
  EXPECT_THAT(apply().err, HasSubstr("applied 0, known 6"));
}

TEST_F(CliReplayRun, MarkersAndAbortedRecordsAreNoEvents) {
  std::vector<OwnedRecord> some{text_record(topic_, 0, R"({"eventId":"t1","eventType":"C"})"),
                                text_record(topic_, 0, R"({"eventId":"t2","eventType":"C"})")};
  kinbox::testing::produce_in_transaction(brokers_, some, true);
  kinbox::testing::produce_in_transaction(brokers_, some, false);
  send("e", 2);
  consume();
  execute("DELETE FROM processed_events");
  execute("DELETE FROM effects");
  EXPECT_EQ(planned({"--to-earliest"})["never_seen"], 4);
  const auto result = apply();
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_THAT(result.err, HasSubstr("100.0 %"));
  EXPECT_EQ(effects(), 4);
}

TEST_F(CliReplayRun, WhatRetentionEatsBetweenPlanAndApplyRefusesIt) {
  send("e", 10);
  consume();
  planned({"--to-earliest"});
  const std::vector before{PartitionOffset{partition(0), 4}};
  admin_->delete_records(before);
  const auto refused = apply();
  EXPECT_EQ(refused.exit_code, 3);
  EXPECT_THAT(refused.err, AllOf(HasSubstr("retention has deleted"), HasSubstr("plan again")));
  const auto row = planned({"--to-offset", "1"});
  EXPECT_EQ(row["gone"], 3);
  EXPECT_EQ(row["begin"], 4);
  EXPECT_EQ(apply().exit_code, 0);
}

TEST_F(CliReplayRun, ATopicThatWasCreatedAnewBetweenPlanAndApplyRefusesIt) {
  send("e", 10);
  consume();
  planned({"--to-earliest"});
  execute("DELETE FROM processed_events");
  recreate_topic();
  send("e", 9);
  const auto shorter = apply();
  EXPECT_EQ(shorter.exit_code, 3);
  EXPECT_THAT(shorter.err, HasSubstr("was deleted and created anew"));
  // As long as the old log, and with the same events: they came at another time.
  send("e", 1);
  const auto refused = apply();
  EXPECT_EQ(refused.exit_code, 3);
  EXPECT_THAT(refused.err,
              AllOf(HasSubstr("was deleted and created anew"), HasSubstr("plan again")));
  EXPECT_EQ(number("SELECT count(*) FROM replays"), 0);
  EXPECT_EQ(effects(), 10);
}

TEST_F(CliReplayRun, ATopicThatWasCreatedAnewUnderAReplayStopsIt) {
  send("e", 10);
  consume();
  planned({"--to-earliest"});
  begin_and_leave();
  recreate_topic();
  send("e", 10);
  for (const auto& words : {std::vector<std::string>{"replay", "resume", "1"},
                            std::vector<std::string>{"replay", "apply", plan_, "--yes"}}) {
    const auto refused = run(words);
    EXPECT_EQ(refused.exit_code, 3);
    EXPECT_THAT(refused.err, AllOf(HasSubstr("replay 1 cannot go on"), HasSubstr("created anew"),
                                   HasSubstr("`kinbox replay cancel 1` gives it up")));
  }
  EXPECT_EQ(number("SELECT next_offset FROM replay_progress"), 0);
  EXPECT_EQ(run({"replay", "cancel", "1", "--yes"}).exit_code, 0);
}

TEST_F(CliReplayRun, ARangeOfTimesIsWhatTheBrokerSays) {
  std::vector<OwnedRecord> records;
  for (int n = 1; n <= 5; ++n) {
    records.push_back(text_record(
        topic_, 0, R"({"eventId":"e)" + std::to_string(n) + R"(","eventType":"Created"})"));
    records.back().timestamp = Timestamp{std::chrono::hours{n}};
  }
  produce(records);
  consume();
  const auto row = planned(
      {"--to-datetime", "1970-01-01T02:00:00Z", "--until-datetime", "1970-01-01T05:30:00+01:00"});
  EXPECT_EQ(row["begin"], 1);
  EXPECT_EQ(row["end"], 4);
}

class CliReplayOfCompacted : public CliReplayRun {
 protected:
  std::map<std::string, std::string> topic_config() const override {
    // What is in the last segment is not compacted: tests fill it when it is time.
    return {{"cleanup.policy", "compact"},
            {"segment.bytes", "1048576"},
            {"min.cleanable.dirty.ratio", "0.01"}};
  }

  OwnedRecord keyed(const std::string& key, const std::string& id) {
    auto record = text_record(topic_, 0, R"({"eventId":")" + id + R"(","eventType":"Created"})");
    record.key = key;
    return record;
  }
  /// Until the first record that is left is at or behind `offset`.
  void await_compaction(Offset offset) {
    kafka::LogReader reader(options().settings);
    ASSERT_TRUE(eventually(
        [&] {
          produce({keyed("tick", std::string(600'000, 't'))});
          reader.start(std::vector{kafka::LogSlice{partition(0), 0, 1'000}});
          return reader.next(1).front().offset() >= offset;
        },
        std::chrono::seconds{60}));
  }
};

TEST_F(CliReplayOfCompacted, PlanAndApplyMeetTheSameAndEachEventOnce) {
  send("old", 6);
  const std::vector aborted{keyed("k0", "aborted")};
  kinbox::testing::produce_in_transaction(brokers_, aborted, false);
  const std::vector committed{keyed("k9", "committed")};
  kinbox::testing::produce_in_transaction(brokers_, committed, true);
  send("new", 3);
  consume();
  EXPECT_EQ(effects(), 10);
  execute("DELETE FROM processed_events");
  execute("DELETE FROM effects");
  // Planned with records that compaction takes before it is applied: the last one is still known.
  EXPECT_EQ(planned({"--to-earliest"})["never_seen"], 10);
  await_compaction(6);
  auto result = apply();
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_THAT(result.err, AllOf(HasSubstr("100.0 %"), HasSubstr("applied 4, known 0")));
  EXPECT_EQ(effects(), 4);
  EXPECT_EQ(number("SELECT count(DISTINCT event_id) FROM effects"), 4);
  EXPECT_EQ(number("SELECT next_offset FROM replay_progress"),
            number("SELECT next_offset FROM consumer_progress"));

  const auto row = planned({"--to-earliest", "--mode", "reprocess"});
  EXPECT_EQ(row["in_range"], 4);
  EXPECT_EQ(row["applied"], 4);
  result = apply({"--confirm", "orders"});
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_THAT(result.err, HasSubstr("applied 4, known 0"));
  EXPECT_EQ(effects(), 4);
}

TEST_F(CliReplayRun, RangesThatMakeNoSenseAreRefused) {
  send("e", 5);
  EXPECT_THAT(plan({"--to-earliest"}).err, HasSubstr("no position in any of its topics"));
  consume();
  const auto refused = [&](const std::vector<std::string>& words) {
    const auto result = plan(words);
    EXPECT_EQ(result.exit_code, 64) << result.err;
    return result.err;
  };
  EXPECT_THAT(refused({}), HasSubstr("say where to begin"));
  EXPECT_THAT(refused({"--to-datetime", "2026-01-31T12:00:00"}), HasSubstr("its zone"));
  EXPECT_THAT(refused({"--to-offset", "4", "--until-offset", "2"}),
              HasSubstr("ends before it begins"));
  EXPECT_THAT(refused({"--to-earliest", "--handler", "nobody"}),
              HasSubstr("no handler \"nobody\""));
  EXPECT_THAT(refused({"--to-earliest", "--topic", "elsewhere"}), HasSubstr("elsewhere"));
  EXPECT_THAT(plan({"--to-latest"}).err, HasSubstr("the range is empty"));
  EXPECT_THAT(apply().err, HasSubstr("the plan is empty"));
}

TEST_F(CliReplayRun, ReprocessIsConfirmedByNameAndGoesOnWhereItWas) {
  send("e", 10);
  consume();
  planned({"--to-earliest", "--mode", "reprocess"});
  EXPECT_THAT(apply({"--confirm", "another"}).err, HasSubstr("this is about \"orders\""));
  EXPECT_EQ(effects(), 10);
  EXPECT_EQ(apply({"--confirm", "orders", "--dry-run"}).exit_code, 0);
  EXPECT_EQ(number("SELECT count(*) FROM replays"), 0);
  const auto result = apply({"--confirm", "orders", "--rate", "100/s"});
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_EQ(effects(), 10);
  EXPECT_EQ(number("SELECT count(*) FROM processed_events WHERE generation = 1"), 10);
  EXPECT_EQ(number("SELECT count(*) FROM replays WHERE state = 'done'"), 1);
  EXPECT_THAT(run({"replay", "resume", "1"}).err, HasSubstr("is done: there is nothing to resume"));
}

TEST_F(CliReplayRun, AHandlerThatMayNotRunAgainIsNotReprocessed) {
  send("e", 1);
  consume();
  HandlerSpec spec;
  spec.name = "h";
  spec.event_types = {"*"};
  spec.make = [](const HandlerContext&) { return std::make_unique<InsertRow>(); };
  const auto refused = run_cli({"replay", "plan", "--consumer", "orders", "--mode", "reprocess",
                                "--to-earliest", "-c", config_.string()},
                               {spec});
  EXPECT_EQ(refused.exit_code, 64);
  EXPECT_THAT(refused.err, HasSubstr("not declared reprocessable: h"));
}

}  // namespace
}  // namespace kinbox::cli

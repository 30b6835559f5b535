#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <csignal>
#include <fstream>
#include <nlohmann/json.hpp>

#include "kinbox/kafka/admin.hpp"
#include "kinbox/kafka/mock_cluster.hpp"
#include "kinbox/sqlite/database.hpp"
#include "support/child_process.hpp"
#include "support/eventually.hpp"
#include "support/kafka.hpp"
#include "support/services.hpp"
#include "support/temporary_directory.hpp"
#include "support/unique_name.hpp"

namespace kinbox::testing {
namespace {

using namespace std::chrono_literals;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

constexpr const char* kTopic = "marketplace.order.created";
constexpr auto kErr = ChildProcess::Stream::kErr;
const ExitStatus kClean{.code = 0, .signal = {}};
const ExitStatus kFailed{.code = 1, .signal = {}};

ExitStatus exited(int code) { return {.code = code, .signal = {}}; }

std::string order(int number) {
  return R"({"eventId":"e-)" + std::to_string(number) + R"(","eventType":"ORDER_CREATED",)" +
         R"("orderId":"o-)" + std::to_string(number) +
         R"(","buyerId":"b","sellerIds":["s"],"totalAmount":12.50,"orderNumber":"n"})";
}

/// `kinbox run` as a process, on a mock cluster of the test's own and a SQLite file.
class CliRun : public ::testing::Test {
 protected:
  void SetUp() override {
    cluster_.create_topic(kTopic, 2);
    configure();
  }

  void configure(const std::string& consumer_lines = "",
                 const std::string& database = "{sqlite: k.db}") {
    std::ofstream out(config_);
    out << "kafka:\n";
    for (const auto& [key, value] : fast_settings(cluster_.bootstrap_servers()))
      out << "  " << key << ": '" << value << "'\n";
    out << "database: " << database << "\nconsumers:\n  - name: orders\n    group: " << group_
        << "\n    topics: [" << kTopic << "]\n    handlers: [order_view]\n"
        << consumer_lines;
  }

  void send_orders(int first, int count) {
    std::vector<OwnedRecord> records;
    for (int i = first; i < first + count; ++i)
      records.push_back(text_record(kTopic, i % 2, order(i)));
    produce(cluster_.bootstrap_servers(), records);
  }

  std::unique_ptr<ChildProcess> start(std::vector<std::string> arguments,
                                      const ChildOptions& options = {}) {
    arguments.insert(arguments.begin(), KINBOX_BINARY_DIR "/kinbox");
    arguments.insert(arguments.end(), {"--config", config_.string()});
    return std::make_unique<ChildProcess>(arguments, options);
  }

  /// Runs to the end; its stderr is in `errors_`.
  std::optional<ExitStatus> run(const std::vector<std::string>& arguments) {
    const auto child = start(arguments);
    const auto status = child->wait_for(40s);
    errors_ = child->output(kErr);
    output_ = child->output();
    return status;
  }

  std::int64_t number(const std::string& sql) {
    const auto database = sqlite::open({.path = (directory_ / "k.db").string(), .create = false});
    return database->begin()->query(sql)[0].get<std::int64_t>(0);
  }

  kafka::MockCluster cluster_;
  TemporaryDirectory directory_;
  std::filesystem::path config_ = directory_ / "kinbox.yaml";
  std::string group_ = "orders";
  std::string errors_;
  std::string output_;
};

TEST_F(CliRun, UntilIdleConsumesWhatIsThereAndEnds) {
  send_orders(0, 10);
  send_orders(0, 3);
  EXPECT_EQ(run({"run", "--until-idle"}), kClean) << errors_;
  EXPECT_EQ(number("SELECT count(*) FROM order_view"), 10);
  EXPECT_EQ(number("SELECT sum(duplicates) FROM consumer_progress"), 3);
  EXPECT_EQ(number("SELECT min(clean_stop) FROM consumer_progress"), 1);
  EXPECT_THAT(output_, IsEmpty()) << "stdout is for data";
}

TEST_F(CliRun, LogsJsonLinesOffATerminalWithoutPayloads) {
  send_orders(0, 2);
  produce(cluster_.bootstrap_servers(),
          std::vector<OwnedRecord>{text_record(kTopic, 0, R"({"card": 4111222)")});
  EXPECT_EQ(run({"run", "--until-idle"}), kClean);
  std::istringstream lines(errors_);
  std::set<std::string> kinds;
  for (std::string line; std::getline(lines, line);)
    kinds.insert(nlohmann::json::parse(line)["kind"]);
  EXPECT_THAT(kinds, ::testing::IsSupersetOf(
                         {"started", "assigned", "progress", "stopped", "dead_lettered"}));
  EXPECT_THAT(errors_, AllOf(Not(HasSubstr("4111222")), Not(HasSubstr("orderNumber")),
                             Not(HasSubstr("CONFWARN"))));
}

TEST_F(CliRun, StatusShowsAnEventThatIsTriedAgainInPlaceAndThatItIsDone) {
  configure("    on_error: {retry: {max_attempts: 1000, first_delay: 2s, max_delay: 2s}}\n");
  send_orders(0, 2);
  ASSERT_EQ(run({"run", "--until-idle"}), kClean) << errors_;
  const auto open_file = [&] { return sqlite::open({.path = (directory_ / "k.db").string()}); };
  const auto change = [&](const char* statement) {
    const auto database = open_file();
    const auto tx = database->begin();
    database->run_script(*tx, statement);
    tx->commit();
  };
  change("CREATE TRIGGER broken BEFORE INSERT ON order_view BEGIN SELECT RAISE(ABORT, 'no'); END");
  send_orders(2, 1);
  const auto running = start({"run"});
  const auto state = [&] {
    run({"status", "--no-kafka", "-o", "json"});
    return nlohmann::json::parse(output_)[0]["state"];
  };
  EXPECT_TRUE(eventually([&] { return state() == "retrying"; }, 30s)) << errors_;
  EXPECT_THAT(errors_, AllOf(HasSubstr("again in place since"), HasSubstr("order_view")));
  EXPECT_TRUE(eventually(
      [&] {
        return run({"status", "--no-kafka", "--check", "--max-retry-seconds", "0"}) == exited(2);
      },
      30s));
  EXPECT_THAT(errors_, HasSubstr("more than --max-retry-seconds 0"));
  change("DROP TRIGGER broken");
  EXPECT_TRUE(eventually([&] { return state() == "running"; }, 30s)) << output_;
  running->signal(SIGTERM);
  EXPECT_EQ(running->wait_for(40s), kClean);
  EXPECT_EQ(number("SELECT count(*) FROM order_view"), 3);
}

TEST_F(CliRun, UntilIdleSendsDeadLettersBeforeItEnds) {
  produce(cluster_.bootstrap_servers(),
          std::vector<OwnedRecord>{text_record(kTopic, 0, "no JSON")});
  EXPECT_EQ(run({"run", "--until-idle"}), kClean) << errors_;
  EXPECT_EQ(number("SELECT count(*) FROM outbox WHERE state = 'sent'"), 1);
}

TEST_F(CliRun, UntilIdleSendsRepliesBeforeItEndsAndLogsThoseItRefuses) {
  cluster_.create_topic("shop.replies", 1);
  configure("    reply: {to: shop.replies, allow: [shop.replies]}\n");
  send_orders(0, 3);
  auto stray = text_record(kTopic, 0, order(3));
  stray.headers = {{"reply-to", "ledger"}};
  produce(cluster_.bootstrap_servers(), std::vector<OwnedRecord>{stray});
  EXPECT_EQ(run({"run", "--until-idle"}), kClean) << errors_;
  EXPECT_EQ(number("SELECT count(*) FROM order_view"), 4);
  EXPECT_EQ(number("SELECT count(*) FROM outbox WHERE state = 'sent' AND topic = 'shop.replies' "
                   "AND event_type = 'ORDER_CREATED.processed'"),
            3);
  EXPECT_THAT(errors_, AllOf(HasSubstr(R"("kind":"reply_refused")"), HasSubstr("ledger")));
}

TEST_F(CliRun, WithoutARelayOutgoingRecordsStayInTheOutboxAndStatusSaysSo) {
  configure("outbox: {relay: none}\n");
  produce(cluster_.bootstrap_servers(),
          std::vector<OwnedRecord>{text_record(kTopic, 0, "no JSON")});
  EXPECT_EQ(run({"run", "--until-idle"}), kClean) << errors_;
  EXPECT_EQ(number("SELECT count(*) FROM outbox WHERE state = 'pending'"), 1);
  EXPECT_EQ(run({"outbox", "status", "--check"}), exited(2));
  EXPECT_THAT(errors_, HasSubstr("1 rows are pending, and no relay is at work"));
}

TEST_F(CliRun, UntilIdleWithAHaltedPartitionIsNotClean) {
  configure("    on_error: {retry: {max_attempts: 1}, then: halt}\n");
  produce(cluster_.bootstrap_servers(),
          std::vector<OwnedRecord>{text_record(kTopic, 0, "no JSON")});
  send_orders(1, 1);
  EXPECT_EQ(run({"run", "--until-idle"}), exited(2)) << errors_;
  EXPECT_EQ(number("SELECT count(*) FROM order_view"), 1) << "the other partition flows";
  EXPECT_EQ(run({"status", "--check"}), exited(2));
  EXPECT_THAT(errors_, HasSubstr("stands at 0"));
}

TEST_F(CliRun, MaxMessagesEndsAfterAboutSoMany) {
  configure("    max_batch: 5\n");
  send_orders(0, 40);
  EXPECT_EQ(run({"run", "--max-messages", "10"}), kClean) << errors_;
  const auto seen = number("SELECT count(*) FROM order_view");
  EXPECT_GE(seen, 10);
  EXPECT_LT(seen, 40);
  EXPECT_EQ(run({"status", "-o", "jsonl"}), kClean);
  std::istringstream lines(output_);
  std::int64_t lag = 0;
  for (std::string line; std::getline(lines, line);)
    lag += nlohmann::json::parse(line)["lag"].get<std::int64_t>();
  EXPECT_EQ(lag, 40 - seen) << errors_;
}

class CliRunStops : public CliRun, public ::testing::WithParamInterface<int> {};

TEST_P(CliRunStops, CleanlyOnTheFirstSignal) {
  send_orders(0, 4);
  const auto child = start({"run"});
  ASSERT_TRUE(child->wait_for_line("progress", 20s, kErr)) << child->output(kErr);
  // The two partitions may come in two batches.
  ASSERT_TRUE(eventually([&] { return number("SELECT count(*) FROM order_view") == 4; }))
      << child->output(kErr);
  child->signal(GetParam());
  EXPECT_EQ(child->wait_for(15s), kClean) << child->output(kErr);
  EXPECT_EQ(number("SELECT min(clean_stop) FROM consumer_progress"), 1);
}

INSTANTIATE_TEST_SUITE_P(Signal, CliRunStops, ::testing::Values(SIGTERM, SIGINT),
                         [](const auto& signal) {
                           return signal.param == SIGTERM ? "Term" : "Int";
                         });

/// The worker waits for SQLite's writer, which the test holds: it cannot stop by itself for as long
/// as its lock timeout is.
class CliRunStuck : public CliRun {
 protected:
  void SetUp() override {
    CliRun::SetUp();
    send_orders(0, 1);
    ASSERT_EQ(run({"run", "--until-idle"}), kClean) << errors_;
  }

  std::unique_ptr<ChildProcess> start_stuck(std::vector<std::string> more = {}) {
    more.insert(more.begin(), "run");
    auto child = start(more);
    EXPECT_TRUE(child->wait_for_line("assigned", 20s, kErr)) << child->output(kErr);
    database_ = sqlite::open({.path = (directory_ / "k.db").string()});
    held_ = database_->begin();
    send_orders(2, 1);
    EXPECT_TRUE(child->wait_for_line("unavailable", 20s, kErr)) << child->output(kErr);
    return child;
  }

  std::unique_ptr<Database> database_;
  std::unique_ptr<OpenTransaction> held_;
};

TEST_F(CliRunStuck, SecondSignalEndsAtOnce) {
  const auto child = start_stuck();
  child->signal(SIGTERM);
  ASSERT_TRUE(child->wait_for_line("stopping", 5s, kErr));
  child->signal(SIGTERM);
  EXPECT_EQ(child->wait_for(3s), kFailed) << child->output(kErr);
  EXPECT_THAT(child->output(kErr), HasSubstr("second signal"));
}

TEST_F(CliRunStuck, DrainTimeoutEndsWhatDoesNotEndByItself) {
  const auto child = start_stuck({"--drain-timeout", "300ms"});
  child->signal(SIGTERM);
  EXPECT_EQ(child->wait_for(5s), kFailed) << child->output(kErr);
  EXPECT_THAT(child->output(kErr), HasSubstr("not done within the drain timeout"));
}

TEST_F(CliRunStuck, NothingIsLostByEndingAtOnce) {
  const auto child = start_stuck();
  child->kill();
  held_.reset();
  EXPECT_EQ(run({"run", "--until-idle"}), kClean) << errors_;
  EXPECT_EQ(number("SELECT count(*) FROM order_view"), 2);
}

TEST_F(CliRun, WaitsForADatabaseThatIsNotThereYetAndCanBeStopped) {
  configure("", "{postgres: 'postgresql://u:s3cret@127.0.0.1:1/db'}");
  const auto child = start({"run"});
  ASSERT_TRUE(child->wait_for_line("waiting for PostgreSQL", 10s, kErr)) << child->output(kErr);
  ASSERT_TRUE(child->wait_for_line("waiting for PostgreSQL", 10s, kErr)) << "it tries again";
  child->signal(SIGTERM);
  EXPECT_EQ(child->wait_for(5s), kClean);
  EXPECT_THAT(child->output(kErr), Not(HasSubstr("s3cret")));
}

TEST_F(CliRun, WrongKafkaSettingsEndItBeforeItWaitsForTheDatabase) {
  configure("", "{postgres: 'postgresql://u@127.0.0.1:1/db'}");
  const auto child =
      start({"run"}, {.environment = {{"KINBOX_KAFKA_SASL_MECHANISM", "SCRAM-SHA-256"},
                                      {"KINBOX_KAFKA_SECURITY_PROTOCOL", "SASL_PLAINTEXT"}}});
  EXPECT_EQ(child->wait_for(20s), exited(78)) << child->output(kErr);
}

TEST_F(CliRun, UntilIdleDoesNotWaitForADatabase) {
  configure("", "{postgres: 'postgresql://u@127.0.0.1:1/db'}");
  EXPECT_EQ(run({"run", "--until-idle"}), exited(69)) << errors_;
}

TEST_F(CliRun, UntilIdleDoesNotWaitForABroker) {
  std::ofstream(config_) << "kafka: {bootstrap.servers: '127.0.0.1:1'}\n"
                            "database: {sqlite: k.db}\nconsumers:\n"
                            "  - {name: orders, topics: [t], handlers: [order_view]}\n";
  EXPECT_EQ(run({"run", "--until-idle"}), exited(69)) << errors_;
}

TEST_F(CliRun, AnotherGroupUnderAKnownNameIsRefused) {
  EXPECT_EQ(run({"run", "--until-idle"}), kClean) << errors_;
  group_ = "another";
  configure();
  EXPECT_EQ(run({"run"}), exited(3)) << errors_;
  EXPECT_THAT(errors_, AllOf(HasSubstr("another"), HasSubstr("orders")));
}

TEST_F(CliRun, OneRefusedConsumerEndsTheWholeRun) {
  EXPECT_EQ(run({"run", "--until-idle"}), kClean) << errors_;
  group_ = "another";
  configure();
  std::ofstream(config_, std::ios::app)
      << "  - {name: fine, topics: [" << kTopic << "], handlers: [order_view]}\n";
  EXPECT_EQ(run({"run"}), exited(3)) << errors_;
}

TEST_F(CliRun, AnUnknownConsumerIsUsage) {
  EXPECT_EQ(run({"run", "--consumer", "ordres"}), exited(64));
  EXPECT_THAT(errors_, HasSubstr("no consumer \"ordres\"; did you mean \"orders\"?"));
}

TEST_F(CliRun, OnlyTheChosenConsumerRuns) {
  std::ofstream(config_, std::ios::app)
      << "  - {name: other, topics: [" << kTopic << "], handlers: [order_view]}\n";
  send_orders(0, 1);
  EXPECT_EQ(run({"run", "--until-idle", "--consumer", "orders"}), kClean) << errors_;
  EXPECT_EQ(number("SELECT count(DISTINCT consumer) FROM consumer_progress"), 1);
}

TEST_F(CliRun, WrongConfigurationEndsItAtOnce) {
  configure("    max_bacth: 1\n");
  EXPECT_EQ(run({"run"}), exited(78));
  configure();
  std::ofstream(config_, std::ios::app) << "log: {level: loud}\n";
  EXPECT_EQ(run({"run"}), exited(78));
}

TEST_F(CliRun, AFileThatIsNoDatabaseIsNotOverwritten) {
  std::ofstream(directory_ / "k.db") << std::string(4096, 'x');
  const auto child = start({"run", "--until-idle"});
  const auto status = child->wait_for(20s);
  ASSERT_TRUE(status);
  EXPECT_NE(*status, kClean) << child->output(kErr);
  EXPECT_THAT(child->output(kErr), HasSubstr("k.db"));
}

class CliRunKafka : public CliRun {
 protected:
  void SetUp() override {
    KINBOX_REQUIRE_KAFKA();
    kafka::Admin(settings()).create_topic({.name = topic_, .partitions = 2});
    configure_kafka();
  }
  static kafka::Settings settings() {
    return kafka::Settings({{"bootstrap.servers", KafkaService::get().brokers()}});
  }
  void configure_kafka(const std::string& setting = "client.id: test", int workers = 1,
                       const std::string& more = "") {
    std::ofstream(config_) << "kafka:\n  bootstrap.servers: '" << KafkaService::get().brokers()
                           << "'\n  " << setting << "\ndatabase: {sqlite: k.db}\nconsumers:\n"
                           << "  - {name: orders, group: " << topic_ << ", topics: [" << topic_
                           << "], handlers: [order_view], workers: " << workers << more << "}\n";
  }

  std::string topic_ = unique_name("cli");
};

TEST_F(CliRunKafka, FailsWhenNoWorkerCanGoOn) {
  configure_kafka("group.instance.id: the-one");
  const auto first = start({"run"});
  ASSERT_TRUE(first->wait_for_line("assigned", 20s, kErr)) << first->output(kErr);
  const auto second = start({"run"});
  EXPECT_EQ(first->wait_for(30s), kFailed) << first->output(kErr);
  EXPECT_THAT(first->output(kErr), HasSubstr("this worker cannot go on: group.instance.id"));
  second->signal(SIGTERM);
  EXPECT_EQ(second->wait_for(20s), kClean) << second->output(kErr);
}

TEST_F(CliRunKafka, TheWorkersOfAStaticMemberDoNotEndEachOther) {
  configure_kafka("group.instance.id: the-one", 2);
  const auto child = start({"run"});
  ASSERT_TRUE(child->wait_for_line("assigned", 20s, kErr)) << child->output(kErr);
  EXPECT_TRUE(eventually(
      [&] { return number("SELECT count(DISTINCT owner) FROM consumer_progress") == 2; }));
  child->signal(SIGTERM);
  EXPECT_EQ(child->wait_for(20s), kClean) << child->output(kErr);
  EXPECT_THAT(child->output(kErr), Not(HasSubstr("cannot go on")));
}

TEST_F(CliRunKafka, UntilIdleNamesATopicThatDoesNotExist) {
  topic_ = unique_name("missing");
  configure_kafka();
  EXPECT_EQ(run({"run", "--until-idle"}), exited(69));
  EXPECT_THAT(errors_, HasSubstr("Kafka has no topic " + topic_));
}

TEST_F(CliRunKafka, UntilIdleNamesATopicOfRepliesThatDoesNotExist) {
  const auto missing = unique_name("missing");
  configure_kafka("client.id: test", 1, ", reply: {allow: [" + missing + "]}");
  EXPECT_EQ(run({"run", "--until-idle"}), exited(69));
  EXPECT_THAT(errors_, HasSubstr("Kafka has no topic " + missing + " for its replies"));
}

TEST_F(CliRunKafka, WaitsForATopicThatDoesNotExistYetAndSaysSo) {
  topic_ = unique_name("missing");
  configure_kafka();
  const auto child = start({"run"});
  EXPECT_TRUE(child->wait_for_line(topic_ + "\\\" does not exist", 30s, kErr))
      << child->output(kErr);
  child->signal(SIGTERM);
  EXPECT_EQ(child->wait_for(20s), kClean) << child->output(kErr);
}

TEST_F(CliRunKafka, TakesWhatDemoProduceSends) {
  const auto produced = ChildProcess({KINBOX_BINARY_DIR "/kinbox", "demo", "produce", "--brokers",
                                      KafkaService::get().brokers(), "--topic", topic_, "--count",
                                      "20", "--duplicates", "5", "--poison", "2"})
                            .wait_for(30s);
  ASSERT_EQ(produced, kClean);
  EXPECT_EQ(run({"run", "--until-idle"}), kClean) << errors_;
  EXPECT_EQ(number("SELECT count(*) FROM order_view"), 20);
  EXPECT_EQ(number("SELECT sum(duplicates) FROM consumer_progress"), 5);
  EXPECT_EQ(number("SELECT count(*) FROM dead_letters"), 2);
}

std::string with(std::string text, const std::string& from, const std::string& to) {
  for (auto at = text.find(from); at != std::string::npos; at = text.find(from, at + to.size()))
    text.replace(at, from.size(), to);
  return text;
}

TEST_F(CliRunKafka, TheExampleConfigurationWorksAsWritten) {
  const auto brokers = KafkaService::get().brokers();
  std::ifstream in(KINBOX_SOURCE_DIR "/examples/kinbox.yaml");
  std::string example{std::istreambuf_iterator<char>(in), {}};
  // Only names that other tests may use on this broker are replaced.
  example = with(example, kTopic, topic_);
  example = with(example, "group: orders ", "group: " + topic_ + " ");
  example = with(example, "name: confirmations", "name: confirmations\n    group: x" + topic_);
  std::ofstream(config_) << example;
  ASSERT_EQ(ChildProcess({KINBOX_BINARY_DIR "/kinbox", "demo", "produce", "--brokers", brokers,
                          "--topic", topic_})
                .wait_for(30s),
            kClean);
  const auto child = start({"run", "--until-idle"}, {.environment = {{"KAFKA_BROKERS", brokers}}});
  EXPECT_EQ(child->wait_for(40s), kClean) << child->output(kErr);
  const auto database =
      sqlite::open({.path = (directory_ / "kinbox.db").string(), .create = false});
  const auto tx = database->begin();
  EXPECT_EQ(tx->query("SELECT count(*) FROM order_view")[0].get<std::int64_t>(0), 12);
  EXPECT_EQ(tx->query("SELECT count(*) FROM email_outbox")[0].get<std::int64_t>(0), 12);
}

class CliRunPostgres : public CliRun {
 protected:
  void SetUp() override {
    KINBOX_REQUIRE_POSTGRES();
    CliRun::SetUp();
  }
  std::string database(const std::string& more) {
    return "{postgres: '" + PostgresService::get().uri() + "', schema: " + schema_ + more + "}";
  }

  std::string schema_ = unique_name("cli");
};

TEST_F(CliRunPostgres, RefusesADatabaseThatIsNotMigrated) {
  configure("", database(""));
  EXPECT_EQ(run({"run"}), exited(3));
  EXPECT_THAT(errors_, HasSubstr("kinbox migrate up"));
}

TEST_F(CliRunPostgres, AWrongPasswordIsSaidAndWaitedOut) {
  configure("", "{postgres: '" + PostgresService::get().uri_with_wrong_password() +
                    "', schema: " + schema_ + "}");
  EXPECT_EQ(run({"migrate", "status"}), exited(69));
  EXPECT_THAT(errors_, HasSubstr("password"));
  const auto child = start({"run"});
  EXPECT_TRUE(child->wait_for_line("waiting for PostgreSQL", 10s, kErr)) << child->output(kErr);
  child->signal(SIGTERM);
  EXPECT_EQ(child->wait_for(10s), kClean);
}

TEST_F(CliRunPostgres, APasswordFileIsUsed) {
  const auto uri = PostgresService::get().uri_with_wrong_password();
  std::ofstream(directory_ / "password") << "right\n";
  configure("", "{postgres: '" + uri + "', schema: " + schema_ + ", password_file: password}");
  EXPECT_EQ(run({"migrate", "status"}), kClean) << errors_;
}

TEST_F(CliRunPostgres, RunsAfterMigrateUp) {
  configure("", database(""));
  send_orders(0, 3);
  EXPECT_EQ(run({"migrate", "up"}), kClean) << errors_;
  EXPECT_EQ(run({"migrate", "validate"}), kClean) << errors_;
  EXPECT_EQ(run({"run", "--until-idle"}), kClean) << errors_;
  EXPECT_EQ(run({"status", "-o", "jsonl"}), kClean) << errors_;
  EXPECT_THAT(output_, HasSubstr("\"applied\":"));
}

TEST_F(CliRunPostgres, MigratesItselfWhenToldTo) {
  configure("", database(", migrate: auto"));
  send_orders(0, 3);
  EXPECT_EQ(run({"run", "--until-idle"}), kClean) << errors_;
  EXPECT_EQ(run({"migrate", "status", "--check"}), kClean) << errors_;
}

}  // namespace
}  // namespace kinbox::testing

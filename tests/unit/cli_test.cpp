#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "kinbox/sqlite/database.hpp"
#include "support/in_process_cli.hpp"
#include "support/letters.hpp"
#include "support/temporary_directory.hpp"

namespace kinbox::cli {
namespace {

using kinbox::testing::CliResult;
using kinbox::testing::run_cli;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::StartsWith;

class Nothing : public Handler {
  void handle(const Event&, Transaction&) override {}
};

HandlerSpec handler(std::string name, std::string type) {
  HandlerSpec spec;
  spec.name = std::move(name);
  spec.event_types = {std::move(type)};
  spec.make = [](const HandlerContext&) { return std::make_unique<Nothing>(); };
  spec.setting_names = {"recipient.pointer", "api_token"};
  return spec;
}

std::vector<HandlerSpec> handlers() {
  auto with_table = handler("with_table", "T");
  with_table.migrations = {{Backend::kSqlite, 1, "0001_things.sql",
                            "CREATE TABLE things (id TEXT NOT NULL PRIMARY KEY) STRICT;", 1}};
  return {handler("order_view", "ORDER_CREATED"), handler("same_type", "ORDER_CREATED"),
          with_table};
}

class Cli : public ::testing::Test {
 protected:
  /// Writes a configuration on SQLite whose consumer has `consumer_lines` instead of a handler.
  void configure(const std::string& consumer_lines = "handlers: [order_view]",
                 const std::string& kafka = "{bootstrap.servers: '127.0.0.1:1'}") {
    std::ofstream(config_) << "kafka: " << kafka
                           << "\ndatabase: {sqlite: k.db}\nconsumers:\n  - name: orders\n"
                              "    topics: [marketplace.order.created]\n    "
                           << consumer_lines << "\n";
  }

  CliResult run(std::vector<std::string> arguments, Environment environment = {}) {
    arguments.insert(arguments.end(), {"-c", config_.string()});
    return run_cli(arguments, handlers(), std::move(environment));
  }

  void sql(const std::string& script) {
    const auto database = sqlite::open({.path = (directory_ / "k.db").string()});
    const auto tx = database->begin();
    database->run_script(*tx, script);
    tx->commit();
  }

  kinbox::testing::TemporaryDirectory directory_;
  std::filesystem::path config_ = directory_ / "kinbox.yaml";
};

TEST_F(Cli, HelpIsAnAnswer) {
  for (const auto& line : std::vector<std::vector<std::string>>{
           {"--help"}, {"run", "--help"}, {"status", "-h"}, {"migrate", "up", "--help"}}) {
    const auto result = run_cli(line);
    EXPECT_EQ(result.exit_code, 0);
    EXPECT_THAT(result.out, HasSubstr("Usage:"));
    EXPECT_THAT(result.err, IsEmpty());
  }
  EXPECT_THAT(run_cli({"--help"}).out, HasSubstr("Examples:"));
}

TEST_F(Cli, ALineThatMakesNoSenseIsUsage) {
  for (const auto& line : std::vector<std::vector<std::string>>{{},
                                                                {"stauts"},
                                                                {"status", "--chekc"},
                                                                {"status", "-o", "xml"},
                                                                {"status", "--kafka-timeout", "2"},
                                                                {"migrate"},
                                                                {"config", "chek"}}) {
    const auto result = run_cli(line);
    EXPECT_EQ(result.exit_code, 64) << ::testing::PrintToString(line);
    EXPECT_THAT(result.out, IsEmpty());
    EXPECT_THAT(result.err, HasSubstr("--help"));
  }
}

TEST_F(Cli, VersionNamesWhatItRunsOn) {
  const auto result = run_cli({"version", "-o", "json"});
  EXPECT_EQ(result.exit_code, 0);
  const auto rows = nlohmann::json::parse(result.out);
  std::map<std::string, std::string> versions;
  for (const auto& row : rows) versions[row["component"]] = row["version"];
  for (const auto* name : {"kinbox", "librdkafka", "sqlite", "libpq"})
    EXPECT_THAT(versions[name], ::testing::MatchesRegex("[0-9]+[.][0-9]+.*")) << name;
}

TEST_F(Cli, ConfigCheckListsTheConsumers) {
  configure();
  const auto result = run({"config", "check"});
  EXPECT_EQ(result.exit_code, 0);
  EXPECT_THAT(result.out, HasSubstr("orders    orders  marketplace.order.created  order_view"));
  EXPECT_THAT(result.err, HasSubstr("kinbox.yaml: good"));
}

TEST_F(Cli, TheEnvironmentMayNameTheConfiguration) {
  configure();
  EXPECT_EQ(run_cli({"config", "check"}, handlers(), {{"KINBOX_CONFIG", config_}}).exit_code, 0);
}

struct Refused {
  std::string consumer_lines;
  std::string says;
};

TEST_F(Cli, ConfigCheckRefusesWhatCannotWork) {
  const std::vector<Refused> cases{
      {"handlers: [order_veiw]",
       "kinbox.yaml:6: handler \"order_veiw\" is not in this binary; did you mean "
       "\"order_view\"?"},
      {"handlers: [order_view, same_type]", "kinbox.yaml:4: consumer orders: "},
      {"handlers: [{name: order_view, settings: {recipient: {sql: x}}}]", "recipient.sql"},
      {"handlers: [order_view]\n    max_transaction_time: 10m",
       "kinbox.yaml:4: consumer orders: max_transaction_time 10m must be below Kafka's "
       "max.poll.interval.ms (5m)"},
      {"handlers: [{name: order_view, handler_timeout: 5m}]",
       "kinbox.yaml:6: consumer orders: handler order_view: handler_timeout 5m must be below "
       "Kafka's max.poll.interval.ms (5m)"},
      {"handlers: [order_view]\n    max_bacth: 3", "did you mean \"max_batch\"?"}};
  for (const auto& refused : cases) {
    configure(refused.consumer_lines);
    const auto result = run({"config", "check"});
    EXPECT_EQ(result.exit_code, 78) << refused.consumer_lines;
    EXPECT_THAT(result.err, HasSubstr(refused.says));
    EXPECT_THAT(result.out, IsEmpty());
  }
}

TEST_F(Cli, ConfigCheckRefusesKafkaSettingsThatKinboxOwnsOrThatRunCommands) {
  configure("handlers: [order_view]", "{bootstrap.servers: b, enable.auto.commit: true}");
  EXPECT_EQ(run({"config", "check"}).exit_code, 78);
  EXPECT_THAT(run({"config", "check"}).err, HasSubstr("enable.auto.commit"));
  configure("handlers: [order_view]", "{bootstrap.servers: b, sasl.kerberos.kinit.cmd: rm}");
  EXPECT_EQ(run({"config", "check"}).exit_code, 78);
  EXPECT_THAT(run({"config", "check"}).err, HasSubstr("sasl.kerberos.kinit.cmd"));
  configure("handlers: [order_view]",
            "{bootstrap.servers: b, sasl.kerberos.kinit.cmd: kinit, allow_unsafe_settings: "
            "[sasl.kerberos.kinit.cmd]}");
  EXPECT_EQ(run({"config", "check"}).exit_code, 0) << run({"config", "check"}).err;
  configure("handlers: [order_view]",
            "{bootstrap.servers: b, plugin.library.paths: x, sasl.kerberos.kinit.cmd: kinit, "
            "allow_unsafe_settings: [sasl.kerberos.kinit.cmd]}");
  EXPECT_THAT(run({"config", "check"}).err, HasSubstr("plugin.library.paths"))
      << "allowing one key allows no other";
}

TEST_F(Cli, ConfigCheckRefusesKafkaSettingsThatDoNotGoTogether) {
  configure("handlers: [order_view]",
            "{bootstrap.servers: b, security.protocol: SASL_PLAINTEXT, sasl.mechanism: "
            "SCRAM-SHA-256}");
  const auto result = run({"config", "check"});
  EXPECT_EQ(result.exit_code, 78) << result.err;
  EXPECT_THAT(result.err, HasSubstr("sasl"));
}

TEST_F(Cli, ConfigCheckNotesWorkersThatOnlyWaitForEachOther) {
  configure("handlers: [order_view]\n    workers: 4");
  const auto result = run({"config", "check"});
  EXPECT_EQ(result.exit_code, 0);
  EXPECT_THAT(result.err, HasSubstr("4 workers, but SQLite has one writer"));
}

TEST_F(Cli, ConfigCheckReadsThePasswordFile) {
  configure();
  const Environment environment{{"KINBOX_DATABASE_URL", "postgresql://u@h/db"},
                                {"KINBOX_DATABASE_PASSWORD_FILE", directory_ / "none"}};
  const auto result = run({"config", "check"}, environment);
  EXPECT_EQ(result.exit_code, 78);
  EXPECT_THAT(result.err, HasSubstr("database.password_file: cannot read"));
  std::ofstream(directory_ / "none") << "\n";
  EXPECT_THAT(run({"config", "check"}, environment).err, HasSubstr("is empty"));
  std::ofstream(directory_ / "none") << "secret\n";
  EXPECT_EQ(run({"config", "check"}, environment).exit_code, 0);
}

TEST_F(Cli, ConfigShowNamesSourcesAndHidesSecrets) {
  configure("handlers: [{name: order_view, settings: {api_token: t0ps3cret}}]",
            "{bootstrap.servers: b, sasl.password: t0ps3cret, client.id: me}");
  const auto result =
      run({"config", "show", "-o", "json"},
          {{"KINBOX_DATABASE_URL", "postgresql://u:t0ps3cret@h/db?sslpassword=t0ps3cret&port=5"},
           {"KINBOX_LOG_LEVEL", "debug"}});
  EXPECT_EQ(result.exit_code, 0);
  EXPECT_THAT(result.out, Not(HasSubstr("t0ps3cret")));
  std::map<std::string, std::pair<std::string, std::string>> rows;
  for (const auto& row : nlohmann::json::parse(result.out))
    rows[row["setting"]] = {row["value"], row["source"]};
  using Row = std::pair<std::string, std::string>;
  EXPECT_EQ(rows["kafka.client.id"], Row("me", "file"));
  EXPECT_EQ(rows["kafka.sasl.password"], Row("***", "file"));
  EXPECT_EQ(rows["database.postgres"],
            Row("postgresql://u:***@h/db?sslpassword=***&port=5", "KINBOX_DATABASE_URL"));
  EXPECT_EQ(rows["log.level"], Row("debug", "KINBOX_LOG_LEVEL"));
  EXPECT_EQ(rows["consumers[0].max_batch"], Row("500", "default"));
  EXPECT_EQ(rows["consumers[0].max_transaction_time"], Row("10s", "default"));
  EXPECT_EQ(rows["consumers[0].handler_timeout"], Row("150s", "default"));
  EXPECT_EQ(rows["consumers[0].handler_grace"], Row("150s", "default"));
  EXPECT_EQ(rows["consumers[0].max_crashes"], Row("3", "default"));
  EXPECT_EQ(rows["consumers[0].handlers[0].settings.api_token"], Row("***", "file"));
}

TEST_F(Cli, ConfigShowTellsTheTimeOfHandlers) {
  configure("handlers: [{name: order_view, handler_timeout: none}]\n    handler_timeout: 2s",
            "{bootstrap.servers: b}");
  EXPECT_THAT(run({"config", "show", "-o", "csv"}).out,
              AllOf(HasSubstr("consumers[0].handlers[0].handler_timeout,none,file"),
                    HasSubstr("consumers[0].handler_timeout,2s,file"),
                    HasSubstr("consumers[0].handler_grace,10s,default")));
  configure("handlers: [order_view]\n    handler_timeout: none");
  EXPECT_THAT(run({"config", "show", "-o", "csv"}).out,
              AllOf(HasSubstr("consumers[0].handler_timeout,none,file"),
                    HasSubstr("consumers[0].handler_grace,none,default")));
}

TEST_F(Cli, TransactionTimeFollowsAShortSession) {
  configure("handlers: [order_view]", "{bootstrap.servers: b, session.timeout.ms: 9000}");
  EXPECT_THAT(run({"config", "show", "-o", "csv"}).out,
              HasSubstr("consumers[0].max_transaction_time,2s,default"));
}

TEST_F(Cli, MigrateBringsKinboxsTablesAndTheHandlers) {
  configure("handlers: [with_table]");
  const auto before = run({"migrate", "status"});
  EXPECT_EQ(before.exit_code, 69) << "a command that looks creates no file";
  EXPECT_FALSE(std::filesystem::exists(directory_ / "k.db"));

  const auto up = run({"migrate", "up", "-o", "jsonl"});
  EXPECT_EQ(up.exit_code, 0) << up.err;
  EXPECT_THAT(up.out, AllOf(HasSubstr("0001_inbox.sql"), HasSubstr("0001_things.sql")));
  EXPECT_THAT(up.err, HasSubstr("current now"));

  const auto status = run({"migrate", "status", "--check"});
  EXPECT_EQ(status.exit_code, 0);
  EXPECT_THAT(status.out, HasSubstr("with_table"));
  EXPECT_THAT(run({"migrate", "up"}).err, HasSubstr("nothing to do"));
  EXPECT_EQ(run({"migrate", "validate"}).exit_code, 0);
}

TEST_F(Cli, MigrateStatusSaysWhatIsPending) {
  configure();
  ASSERT_EQ(run({"migrate", "up"}).exit_code, 0);
  configure("handlers: [with_table]");
  EXPECT_THAT(run({"migrate", "status"}).out, HasSubstr("pending"));
  EXPECT_EQ(run({"migrate", "status"}).exit_code, 0);
  EXPECT_EQ(run({"migrate", "status", "--check"}).exit_code, 2);
  const auto validate = run({"migrate", "validate"});
  EXPECT_EQ(validate.exit_code, 3);
  EXPECT_THAT(validate.err, HasSubstr("kinbox migrate up"));
}

TEST_F(Cli, AChangedMigrationIsRefused) {
  configure();
  ASSERT_EQ(run({"migrate", "up"}).exit_code, 0);
  sql("UPDATE schema_history SET checksum = 'other'");
  const auto result = run({"migrate", "up"});
  EXPECT_EQ(result.exit_code, 3);
  EXPECT_THAT(result.err, HasSubstr("0001_inbox.sql"));
}

TEST_F(Cli, UnreachablePostgresIsUnavailable) {
  configure();
  const auto result =
      run({"migrate", "status"}, {{"KINBOX_DATABASE_URL", "postgresql://u:pw@127.0.0.1:1/db"}});
  EXPECT_EQ(result.exit_code, 69);
  EXPECT_THAT(result.err, AllOf(StartsWith("kinbox: "), Not(HasSubstr("pw@"))));
}

class CliStatus : public Cli {
 protected:
  void SetUp() override {
    configure();
    ASSERT_EQ(run({"migrate", "up"}).exit_code, 0);
  }

  void insert_progress(const std::string& consumer, int partition, const std::string& state,
                       const std::string& reason = "") {
    sql("INSERT INTO consumer_progress (consumer, topic, partition, first_offset, next_offset, "
        "epoch, owner, applied, duplicates, dead, state, state_reason, clean_stop) VALUES ('" +
        consumer + "', 'marketplace.order.created', " + std::to_string(partition) +
        ", 10, 25, 7, 'me', 12, 2, 1, '" + state + "', '" + reason + "', FALSE)");
    add_worker("me", "2999-01-01T00:00:00.000Z");
  }
  void add_worker(const std::string& owner, const std::string& seen_until) {
    sql("INSERT OR IGNORE INTO workers (owner, consumer, host, pid, version, seen_until) VALUES "
        "('" +
        owner + "', 'orders', 'desk', 17, '0.1.0', '" + seen_until + "')");
  }
  void insert_dead_letter(const std::string& state) {
    sql("INSERT INTO letters (consumer, topic, partition, record_offset, fingerprint, reason) "
        "VALUES ('orders', 'marketplace.order.created', 0, 13, x'00', 'undecodable');" +
        testing::letters_are(state, ""));
  }
  CliResult status(std::vector<std::string> more = {}) {
    more.insert(more.begin(), {"status", "--no-kafka"});
    return run(more);
  }
};

TEST_F(CliStatus, ShowsPositionCountersAndOwner) {
  insert_progress("orders", 0, "running");
  const auto result = status({"-o", "json"});
  EXPECT_EQ(result.exit_code, 0) << result.err;
  const auto row = nlohmann::json::parse(result.out)[0];
  EXPECT_EQ(row["consumer"], "orders");
  EXPECT_EQ(row["partition"], 0);
  EXPECT_EQ(row["position"], 25);
  EXPECT_EQ(row["applied"], 12);
  EXPECT_EQ(row["duplicates"], 2);
  EXPECT_EQ(row["epoch"], 7);
  EXPECT_EQ(row["owner"], "me");
  EXPECT_EQ(row["state"], "running");
  EXPECT_EQ(row["end"], nullptr);
  EXPECT_EQ(row["lag"], nullptr);
  EXPECT_EQ(row["retry_offset"], nullptr);
}

TEST_F(CliStatus, NamesConsumersThatNeverRan) {
  const auto result = status();
  EXPECT_EQ(result.exit_code, 0);
  EXPECT_THAT(result.err, HasSubstr("consumer orders has no position yet"));
}

TEST_F(CliStatus, CheckIsCleanWhenNothingStands) {
  insert_progress("orders", 0, "running");
  insert_dead_letter("resolved");
  EXPECT_EQ(status({"--check"}).exit_code, 0);
}

TEST_F(CliStatus, CheckFindsAHaltedPartition) {
  insert_progress("orders", 0, "halted", "records 25 to 30 are gone");
  const auto result = status({"--check"});
  EXPECT_EQ(result.exit_code, 2);
  EXPECT_THAT(result.out, HasSubstr("halted"));
  EXPECT_THAT(result.err, HasSubstr("orders marketplace.order.created/0 stands at 25: records 25 "
                                    "to 30 are gone"));
  EXPECT_EQ(status().exit_code, 0) << "without --check it only tells";
}

TEST_F(CliStatus, CheckFindsOpenDeadLettersAndWhatTheRelayMet) {
  insert_progress("orders", 0, "running");
  insert_dead_letter("open");
  sql("INSERT INTO outbox (lane, message_id, topic, dead_letter_id, last_error) VALUES (1, 'm', "
      "'dlq.orders', 1, 'unknown topic'), (2, 'n', 'dlq.orders', 1, '')");
  sql("UPDATE outbox SET state = 'sent' WHERE message_id = 'n'");
  const auto result = status({"--check", "-o", "jsonl"});
  EXPECT_EQ(result.exit_code, 2);
  const auto row = nlohmann::json::parse(result.out);
  EXPECT_EQ(row["open_dead_letters"], 1);
  EXPECT_EQ(row["outbox_pending"], 1);
  EXPECT_EQ(row["outbox_last_error"], "unknown topic");
  EXPECT_THAT(result.err, HasSubstr("1 dead letters wait for their topic: unknown topic"));
}

TEST_F(CliStatus, AnOwnerThatWasNotSeenForAWhileIsLost) {
  insert_progress("orders", 0, "running");
  sql("UPDATE workers SET seen_until = '2001-01-01T00:00:00.000Z'");
  const auto result = status({"--check", "-o", "jsonl"});
  EXPECT_EQ(result.exit_code, 2);
  EXPECT_EQ(nlohmann::json::parse(result.out)["state"], "lost");
  EXPECT_THAT(result.err, HasSubstr("check: orders marketplace.order.created/0: its owner was not "
                                    "seen for a while"));
  sql("UPDATE consumer_progress SET clean_stop = TRUE");
  EXPECT_THAT(status({"--check"}).out, HasSubstr("stopped"));
  EXPECT_EQ(status({"--check"}).exit_code, 0);
}

TEST_F(CliStatus, APartitionThatWaitsForAReplaySaysForWhich) {
  insert_progress("orders", 0, "running");
  sql("UPDATE consumer_progress SET held_by = 3");
  const auto result = status({"-o", "jsonl"});
  const auto row = nlohmann::json::parse(result.out);
  EXPECT_EQ(row["state"], "held");
  EXPECT_EQ(row["held_by"], 3);
  EXPECT_THAT(result.err, HasSubstr("waits at 25 for replay 3; see kinbox replay list"));
}

TEST_F(CliStatus, APartitionThatTriesAnEventAgainSaysWhichAndSinceWhen) {
  insert_progress("orders", 0, "running");
  sql("INSERT INTO retries (owner, topic, partition, record_offset, handler, attempts, since, "
      "due_at, error_type, error_text) VALUES ('me', 'marketplace.order.created', 0, 25, "
      "'order_view', 4, '2026-01-01T00:00:00.000Z', '2026-01-01T00:00:09.000Z', "
      "'kinbox::SqlError', 'no such\ntable')");
  const auto result = status({"-o", "jsonl", "--check"});
  EXPECT_EQ(result.exit_code, 0) << "what is tried again is not wrong yet";
  const auto row = nlohmann::json::parse(result.out);
  EXPECT_EQ(row["state"], "retrying");
  EXPECT_EQ(row["retry_offset"], 25);
  EXPECT_EQ(row["retry_attempts"], 4);
  EXPECT_EQ(row["retry_since"], "2026-01-01T00:00:00.000Z");
  EXPECT_GT(row["retry_seconds"], 0);
  EXPECT_EQ(row["retry_due_at"], "2026-01-01T00:00:09.000Z");
  EXPECT_EQ(row["retry_error"], "kinbox::SqlError: no such\ntable");
  EXPECT_EQ(row["epoch"], 7);
  EXPECT_THAT(result.err,
              HasSubstr("tries offset 25 again in place since 2026-01-01T00:00:00.000Z: 4 attempts "
                        "of handler order_view failed, last kinbox::SqlError: no such\\ntable; the "
                        "next is due at 2026-01-01T00:00:09.000Z\n"));
  EXPECT_EQ(status({"--check", "--max-retry-seconds", "99999999999"}).exit_code, 0);
  const auto checked = status({"--check", "--max-retry-seconds", "60"});
  EXPECT_EQ(checked.exit_code, 2);
  EXPECT_THAT(checked.err, HasSubstr("check: orders marketplace.order.created/0: seconds of trying "
                                     "offset 25 again is "));
}

TEST_F(CliStatus, CheckTakesLimitsAndNamesWhatExceedsThem) {
  insert_progress("orders", 0, "running");
  insert_dead_letter("open");
  EXPECT_EQ(status({"--check", "--max-dead", "1"}).exit_code, 0);
  EXPECT_THAT(status({"--check", "--max-dead", "0"}).err,
              HasSubstr("check: orders marketplace.order.created/0: open dead letters is 1, more "
                        "than --max-dead 0\n"));
  sql("UPDATE consumer_progress SET parked = 1, next_offset = next_offset + 1");
  EXPECT_EQ(status({"--check", "--max-dead", "1", "--max-parked", "1"}).exit_code, 0);
  EXPECT_THAT(status({"--check", "--max-dead", "1", "--max-parked", "0"}).err,
              HasSubstr("parked is 1, more than --max-parked 0"));
  for (const auto* option : {"--max-lag", "--max-lag-seconds"}) {
    const auto unknown = status({"--check", "--max-dead", "1", option, "1000"});
    EXPECT_EQ(unknown.exit_code, 2) << "Kafka was not asked, so nobody knows";
    EXPECT_THAT(unknown.err, HasSubstr(std::string("is not known, and ") + option + " wants it"));
  }
  EXPECT_EQ(status({"--max-lag", "1"}).exit_code, 64) << "without --check it would say nothing";
}

TEST_F(CliStatus, TellsWhatWaitsToLeaveTheDatabase) {
  insert_progress("orders", 0, "running");
  EXPECT_THAT(status().err, IsEmpty());
  sql("INSERT INTO outbox (lane, message_id, topic, state, created_at) VALUES "
      "(1, 'm', 't', 'pending', '2026-01-31T12:00:00.000Z'), (1, 'n', 't', 'refused', 'x'), "
      "(1, 'o', 't', 'sent', 'x')");
  sql("INSERT INTO email_outbox (order_id, email_type, revision, recipient, message_id, payload, "
      "event_id, state, created_at) VALUES ('o', 'c', 1, 'a', 'm', '{}', 'e', 'pending', "
      "'2026-01-30T12:00:00.000Z'), ('o', 'c', 2, 'a', 'm', '{}', 'e', 'sent', 'x')");
  EXPECT_THAT(status().err,
              AllOf(HasSubstr("outbox: 1 rows wait for Kafka, the oldest since "
                              "2026-01-31T12:00:00.000Z; see kinbox outbox status"),
                    HasSubstr("outbox: 1 rows were refused"),
                    HasSubstr("mail: 1 mails wait, the oldest since 2026-01-30T12:00:00.000Z")));
  EXPECT_EQ(status({"--check", "--max-outbox", "1", "--max-mails", "1"}).exit_code, 0);
  EXPECT_THAT(status({"--check", "--max-outbox", "0"}).err,
              HasSubstr("check: outbox: pending is 1, more than --max-outbox 0"));
  EXPECT_THAT(status({"--check", "--max-mails", "0"}).err,
              HasSubstr("check: mails: waiting is 1, more than --max-mails 0"));
}

TEST_F(CliStatus, WatchLooksAgainAndKnowsARate) {
  insert_progress("orders", 0, "running");
  const auto result = status({"--watch", "10ms", "--looks", "3", "-o", "jsonl"});
  EXPECT_EQ(result.exit_code, 0) << result.err;
  std::istringstream lines(result.out);
  std::vector<nlohmann::json> rates;
  for (std::string line; std::getline(lines, line);)
    rates.push_back(nlohmann::json::parse(line)["rate"]);
  EXPECT_THAT(rates, ::testing::ElementsAre(nullptr, 0.0, 0.0));
  EXPECT_THAT(status({"--watch", "10ms", "--looks", "2"}).out, HasSubstr("\n\nCONSUMER"));
  EXPECT_EQ(status({"--watch", "2"}).exit_code, 64);
  EXPECT_EQ(status({"--looks", "2"}).exit_code, 64);
}

TEST_F(CliStatus, WorkersAreShownAndStaleOnesMarked) {
  const auto nobody = run({"workers", "--check"});
  EXPECT_EQ(nobody.exit_code, 2);
  EXPECT_THAT(nobody.out, HasSubstr("(nothing)"));
  EXPECT_THAT(nobody.err, HasSubstr("no worker is at work for consumer orders"));
  add_worker("old", "2001-01-01T00:00:00.000Z");
  EXPECT_THAT(run({"workers", "-o", "csv"}).out, HasSubstr("orders,stale,desk,17,0.1.0,0,"));
  EXPECT_EQ(run({"workers", "--check"}).exit_code, 2);
  EXPECT_EQ(run({"workers"}).exit_code, 0);
  add_worker("new", "2999-01-01T00:00:00.000Z");
  const auto both = run({"workers", "--check", "-o", "csv"});
  EXPECT_EQ(both.exit_code, 0) << both.err;
  EXPECT_THAT(both.out, AllOf(HasSubstr("orders,at work,desk"), HasSubstr("orders,stale,desk")));
}

TEST_F(CliStatus, SaysWhenKafkaCouldNotBeAskedAndAnswersAllTheSame) {
  insert_progress("orders", 0, "running");
  const auto started = std::chrono::steady_clock::now();
  const auto result = run({"status", "--kafka-timeout", "300ms", "-o", "jsonl"});
  EXPECT_EQ(result.exit_code, 0);
  EXPECT_EQ(nlohmann::json::parse(result.out)["lag"], nullptr);
  EXPECT_THAT(result.err, HasSubstr("end and lag are not known"));
  EXPECT_LT(std::chrono::steady_clock::now() - started, std::chrono::seconds{5});
}

TEST_F(CliStatus, RefusesADatabaseThatIsNotMigrated) {
  sql("UPDATE schema_history SET min_reader = 99");
  EXPECT_EQ(status().exit_code, 3);
}

TEST_F(CliStatus, MissingFileIsUnavailableAndStaysMissing) {
  std::filesystem::remove(directory_ / "k.db");
  EXPECT_EQ(status().exit_code, 69);
  EXPECT_FALSE(std::filesystem::exists(directory_ / "k.db"));
}

}  // namespace
}  // namespace kinbox::cli

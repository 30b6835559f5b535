// What `kinbox doctor` says of things that are as they should be, and of things that are not.
#include <gmock/gmock.h>

#include <filesystem>
#include <fstream>

#include "cli/doctor/examinations.hpp"
#include "kinbox/errors.hpp"
#include "kinbox/kafka/library.hpp"
#include "kinbox/sqlite/database.hpp"
#include "support/desk_cli.hpp"
#include "support/mock_kafka.hpp"
#include "support/temporary_directory.hpp"
#include "support/test_database.hpp"

namespace kinbox::testing {
namespace {

using cli::CheckLine;
using cli::Config;
using cli::Findings;
using cli::Grade;
using ::testing::AllOf;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

/// "GRADE check: found"
std::vector<std::string> lines(const Findings& findings) {
  std::vector<std::string> text;
  for (const auto& line : findings.lines())
    text.push_back(std::string(to_text(line.grade)) + ' ' + line.check + ": " + line.found);
  return text;
}

/// Whoever is told of trouble is told what mends it.
void expect_ways_out(const Findings& findings) {
  for (const auto& line : findings.lines()) {
    if (line.grade == Grade::kOk || line.grade == Grade::kSkip) continue;
    EXPECT_THAT(line.way_out, Not(IsEmpty())) << line.check;
  }
}

class Taker : public Handler {
  void handle(const Event&, Transaction&) override {}
};

HandlerSpec taker(std::string type = "Paid") {
  HandlerSpec spec;
  spec.name = "h";
  spec.event_types = {std::move(type)};
  spec.make = [](const HandlerContext&) { return std::make_unique<Taker>(); };
  return spec;
}

Config config() {
  Config config;
  config.file = "kinbox.yaml";
  config.database = cli::SqliteConfig{"k.db"};
  cli::ConsumerConfig consumer;
  consumer.name = "pay";
  consumer.group = "shop";
  consumer.topics = {"orders"};
  consumer.handlers = {{.name = "h", .settings = {}, .timeout = {}, .on_error = {}, .place = "p"}};
  config.consumers = {consumer};
  return config;
}

TEST(Doctor, AFamilyThatCannotBeExaminedFails) {
  Findings findings;
  EXPECT_TRUE(findings.attempt("a", "x", [&] { findings.ok("a", "good"); }));
  EXPECT_EQ(findings.worst(), Grade::kOk);
  EXPECT_FALSE(findings.attempt("b", "mend it", [] { throw ConfigurationError("no"); }));
  EXPECT_THAT(lines(findings), ElementsAre("OK a: good", "FAIL b: no"));
  EXPECT_EQ(findings.lines()[1].way_out, "mend it");
  EXPECT_EQ(findings.worst(), Grade::kFail);
}

TEST(Doctor, HandlersMustLeaveTimeForTheRestOfABatch) {
  const std::vector<HandlerSpec> handlers{taker()};
  auto good = config();
  Findings findings;
  examine_configuration(good, handlers, findings);
  EXPECT_THAT(lines(findings), ElementsAre("OK configuration: kinbox.yaml",
                                           "OK consumer pay: 1 topics, 1 handlers, 1 workers",
                                           HasSubstr("OK handler time of pay: ")));
  auto late = config();
  late.consumers[0].handler_timeout = std::chrono::seconds{290};
  Findings warned;
  examine_configuration(late, handlers, warned);
  EXPECT_THAT(lines(warned), Contains(HasSubstr("WARN handler time of pay: handler_timeout 290s "
                                                "leaves less than a tenth")));
  late.consumers[0].handler_timeout = cli::Bound{};
  examine_configuration(late, handlers, warned);
  EXPECT_THAT(lines(warned), Contains(HasSubstr("may take as long as it likes")));
  late.consumers[0].handler_timeout = std::chrono::seconds{300};
  examine_configuration(late, handlers, warned);
  EXPECT_THAT(lines(warned), Contains(HasSubstr("FAIL consumer pay: ")));
  late.consumers[0].workers = 2;
  examine_configuration(late, handlers, warned);
  EXPECT_THAT(lines(warned), Contains(HasSubstr("WARN advice: ")));
  late.kafka.settings["nonsense"] = "1";
  examine_configuration(late, {}, warned);
  EXPECT_THAT(lines(warned), AllOf(Contains(HasSubstr("FAIL kafka settings: ")),
                                   Contains(HasSubstr("\"h\" is not in this binary"))));
  expect_ways_out(warned);
}

TEST(Doctor, SecretsAreReadableByTheirOwnerAlone) {
  const TemporaryDirectory folder;
  const auto file = (folder / "secret").string();
  auto with_secret = config();
  Findings none;
  examine_secrets(with_secret, none);
  EXPECT_EQ(none.lines()[0].grade, Grade::kSkip);

  with_secret.kafka.sasl_password_file = file;
  Findings findings;
  examine_secrets(with_secret, findings);
  std::ofstream(file) << "t0ps3cret\n";
  std::filesystem::permissions(file, std::filesystem::perms{0644});
  examine_secrets(with_secret, findings);
  std::filesystem::permissions(file, std::filesystem::perms{0640});
  examine_secrets(with_secret, findings);
  EXPECT_THAT(lines(findings),
              ElementsAre(HasSubstr("FAIL kafka.sasl_password_file: kafka.sasl_password_file: "
                                    "cannot read"),
                          HasSubstr("can be read or written by everybody"),
                          HasSubstr("OK kafka.sasl_password_file: ")));
  EXPECT_EQ(findings.lines()[1].grade, Grade::kWarn);
  EXPECT_EQ(findings.lines()[1].way_out, "chmod 600 " + file);
  expect_ways_out(findings);
}

TEST(Doctor, TheClientLibraryHasWhatTheSettingsNeed) {
  auto secured = config();
  const std::vector<std::string> all{"gzip", "snappy", "lz4", "zstd", "ssl", "sasl_scram"};
  Findings good;
  examine_library(secured, "2.14.2", all, good);
  EXPECT_EQ(good.worst(), Grade::kOk);
  Findings old;
  examine_library(secured, "2.0.2", {{"gzip", "snappy", "lz4"}}, old);
  EXPECT_THAT(lines(old), ElementsAre(HasSubstr("WARN librdkafka: 2.0.2 cannot tell"),
                                      HasSubstr("no codec for zstd")));
  secured.kafka.settings = {{"security.protocol", "sasl_ssl"}, {"sasl.mechanism", "SCRAM-SHA-256"}};
  Findings with;
  examine_library(secured, "2.3.0", all, with);
  EXPECT_EQ(with.worst(), Grade::kOk);
  Findings without;
  examine_library(secured, "1.9.0", {{"gzip"}}, without);
  EXPECT_THAT(lines(without), Contains(HasSubstr("FAIL librdkafka's features: it was built without "
                                                 "ssl, sasl_scram")));
  expect_ways_out(without);
  EXPECT_THAT(kafka::library_features(), AllOf(Contains("gzip"), Contains("ssl")));
}

TEST(Doctor, SpaceAndClockHaveTheirLimits) {
  constexpr std::uint64_t kGibibyte = std::uint64_t{1} << 30;
  Findings findings;
  cli::judge_space("k.db", 20 * kGibibyte, 100 * kGibibyte, findings);
  cli::judge_space("k.db", 9 * kGibibyte, 100 * kGibibyte, findings);
  cli::judge_space("k.db", kGibibyte / 20, 100 * kGibibyte, findings);
  cli::judge_clock(std::chrono::milliseconds{-300}, findings);
  cli::judge_clock(std::chrono::seconds{3}, findings);
  cli::judge_clock(std::chrono::minutes{-2}, findings);
  EXPECT_THAT(lines(findings),
              ElementsAre("OK disk space: 20480 MiB free for k.db",
                          HasSubstr("WARN disk space: 9216 MiB free for k.db, less than a tenth"),
                          "FAIL disk space: 51 MiB free for k.db",
                          "OK clock: the database's clock is 300ms behind this machine's",
                          "WARN clock: the database's clock is 3s ahead of this machine's",
                          HasSubstr("FAIL clock: ")));
  expect_ways_out(findings);
}

TEST(Doctor, MailNeedsAServerOrAFolder) {
  const TemporaryDirectory folder;
  cli::EmailConfig email;
  email.way = cli::EmailConfig::Way::kMaildir;
  email.folder = folder.path().string();
  Findings findings;
  examine_mail(email, findings);
  email.folder += "/none";
  examine_mail(email, findings);
  email.way = cli::EmailConfig::Way::kSmtp;
  email.smtp = {.host = "127.0.0.1", .port = 1};
  examine_mail(email, findings);
  EXPECT_THAT(lines(findings),
              ElementsAre(HasSubstr("OK mail folder: "), HasSubstr("FAIL mail folder: "),
                          HasSubstr("FAIL mail server: smtp 127.0.0.1:1: cannot "
                                    "connect")));
  expect_ways_out(findings);
}

class DoctorKafka : public MockKafkaTest {
 protected:
  Config on_cluster() {
    auto there = config();
    there.consumers[0].dlq_topic.reset();
    return there;
  }
  kafka::Settings settings() {
    return kafka::Settings(fast_settings(cluster_.bootstrap_servers()));
  }
  void produce_values(const std::vector<std::string>& values) {
    std::vector<OwnedRecord> records;
    for (const auto& value : values) {
      OwnedRecord record;
      record.topic = kTopic;
      record.partition = static_cast<std::int32_t>(records.size() % 2);
      record.value = value;
      records.push_back(std::move(record));
    }
    produce(records);
  }
  Findings sample(std::int64_t amount = 100) {
    Findings findings;
    const std::vector<HandlerSpec> handlers{taker()};
    examine_records(on_cluster(), handlers, settings(), std::chrono::seconds{5}, amount, findings);
    expect_ways_out(findings);
    return findings;
  }
};

TEST(DoctorRetention, IsComparedWithWhatTopicsKeep) {
  const TemporaryDirectory directory;
  const auto database = sqlite::open({.path = (directory / "k.db").string()});
  migrate(*database);
  auto there = config();
  const auto found = [&](const cli::AskTopic& ask, Database* known) {
    Findings findings;
    examine_retention(there, known, ask, findings);
    expect_ways_out(findings);
    return lines(findings);
  };
  using std::chrono::hours;
  const cli::AskTopic week = [](const std::string&) {
    return cli::TopicRetention{.time = hours{24 * 7}, .segment = hours{24}};
  };
  const cli::AskTopic silent = [](const std::string&) -> std::optional<cli::TopicRetention> {
    throw InfrastructureError("nobody is there");
  };
  EXPECT_THAT(found(week, database.get()), ElementsAre(HasSubstr("OK retention: nothing is ever")));
  there.retention.emplace();
  there.retention->windows.inbox = hours{24 * 30};
  EXPECT_THAT(found(week, database.get()), ElementsAre(HasSubstr("OK retention: what topics")));
  EXPECT_THAT(found(week, nullptr), ElementsAre(HasSubstr("SKIP retention")));
  EXPECT_THAT(found(silent, database.get()), ElementsAre(HasSubstr("nobody is there")));
  there.retention->windows.inbox = hours{24};
  EXPECT_THAT(found(week, database.get()), ElementsAre(HasSubstr("WARN retention")));
}

TEST_F(DoctorKafka, TopicsAreThereOrNamed) {
  auto there = on_cluster();
  Findings findings;
  EXPECT_TRUE(examine_topics(there, settings(), std::chrono::seconds{5}, findings));
  EXPECT_THAT(lines(findings),
              ElementsAre(HasSubstr("OK brokers: "), "OK topic orders: 2 partitions"));
  there.consumers[0].topics = {"orders", "nowhere"};
  there.consumers[0].workers = 3;
  there.consumers[0].dlq_topic = "dead.{consumer}";
  there.consumers[0].replies = ReplyOptions{.to = "replies", .allow = {"orders"}};
  Findings trouble;
  EXPECT_TRUE(examine_topics(there, settings(), std::chrono::seconds{5}, trouble));
  EXPECT_THAT(lines(trouble),
              AllOf(Contains(HasSubstr("WARN topic orders: 2 partitions, and consumer pay has 3")),
                    Contains(HasSubstr("FAIL topic nowhere: consumer pay waits for it")),
                    Contains(HasSubstr("WARN DLQ topic dead.pay: it is not there")),
                    Contains(HasSubstr("FAIL reply topic replies: ")),
                    Contains("OK reply topic orders: 2 partitions")));
  expect_ways_out(trouble);
}

TEST_F(DoctorKafka, BrokersThatDoNotAnswerAreOneFailure) {
  Findings findings;
  EXPECT_FALSE(examine_topics(config(), kafka::Settings({{"bootstrap.servers", "127.0.0.1:1"}}),
                              std::chrono::milliseconds{300}, findings));
  EXPECT_THAT(lines(findings), ElementsAre(HasSubstr("FAIL brokers: ")));
  expect_ways_out(findings);
}

TEST_F(DoctorKafka, RecordsThatAreEventsAreGood) {
  EXPECT_THAT(lines(sample()),
              ElementsAre("SKIP records of orders for pay: the topic holds no records"));
  produce_values(
      {R"({"eventId":"a","eventType":"Paid"})", R"({"eventId":"b","eventType":"Paid"})"});
  EXPECT_THAT(lines(sample()), ElementsAre("OK records of orders for pay: 2 of the last 2 records "
                                           "are events for a handler"));
}

TEST_F(DoctorKafka, RecordsThatAreNoneAreCountedByReason) {
  produce_values({R"({"eventId":"a","eventType":"Paid"})", "no json", R"({"eventType":"Paid"})",
                  R"({"eventId":"d","eventType":"Gone"})"});
  EXPECT_THAT(lines(sample()),
              ElementsAre("WARN records of orders for pay: 1 of the last 4 records are events for "
                          "a handler; not: missing_event_id 1, undecodable 1, unknown_type "
                          "\"Gone\" 1"));
  EXPECT_THAT(lines(sample(2)), ElementsAre(HasSubstr("FAIL records of orders for pay: 0 of the "
                                                      "last 2 records")));
}

TEST_F(DoctorKafka, RecordsThatWouldHaltAPartitionFail) {
  produce_values({R"({"eventId":"17","eventType":"Paid"})"});
  EXPECT_THAT(lines(sample()), ElementsAre(HasSubstr("FAIL records of orders for pay: its "
                                                     "partitions would halt: ")));
}

class CliDoctor : public DeskCli {
 protected:
  void SetUp() override {
    handler_ = taker();
    DeskCli::SetUp();
  }
};

TEST_F(CliDoctor, OfflineLooksAtWhatIsHere) {
  const auto result = run({"doctor", "--offline"});
  EXPECT_THAT(result.out, AllOf(HasSubstr("RESULT"), HasSubstr("OK      configuration"),
                                HasSubstr("SKIP    database"), HasSubstr("--offline")));
  EXPECT_THAT(result.out, Not(HasSubstr("FAIL")));
  EXPECT_EQ(result.exit_code, 0);
}

TEST_F(CliDoctor, WithoutAConfigurationThereIsOneLine) {
  configure("nonsense: 1");
  const auto result = run({"doctor"});
  EXPECT_EQ(result.exit_code, 78);
  EXPECT_THAT(result.out, AllOf(HasSubstr("FAIL    configuration"), HasSubstr("nonsense"),
                                HasSubstr("kinbox config check")));
}

TEST_F(CliDoctor, ServicesThatAreAwayFailAndTheRestIsLookedAt) {
  const auto result = run({"doctor", "--timeout", "300ms", "-o", "json"});
  EXPECT_EQ(result.exit_code, 2);
  std::map<std::string, std::string> grades;
  for (const auto& line : nlohmann::json::parse(result.out)) grades[line["check"]] = line["result"];
  EXPECT_EQ(grades["database"], "OK");
  EXPECT_EQ(grades["schema"], "OK");
  EXPECT_EQ(grades["database settings"], "OK");
  EXPECT_EQ(grades["clock"], "OK");
  EXPECT_EQ(grades["brokers"], "FAIL");
  EXPECT_EQ(grades["groups and records"], "SKIP");
}

TEST_F(CliDoctor, AnOldSchemaFailsAndItsSettingsAreNotAsked) {
  sql("UPDATE schema_history SET checksum = 'other'");
  const auto changed = run({"doctor", "--timeout", "300ms"});
  EXPECT_EQ(changed.exit_code, 2);
  EXPECT_THAT(changed.out, AllOf(HasSubstr("FAIL    schema"), HasSubstr("kinbox migrate up"),
                                 Not(HasSubstr("database settings"))));
  std::filesystem::remove(directory() / "k.db");
  const auto gone = run({"doctor", "--timeout", "300ms"});
  EXPECT_THAT(gone.out, HasSubstr("FAIL    database"));
}

TEST_F(CliDoctor, StrictTakesAWarningSeriously) {
  configure("log: {level: info}");
  const auto secret = directory() / "secret";
  std::ofstream(secret) << "x\n";
  std::filesystem::permissions(secret, std::filesystem::perms{0604});
  environment_["KINBOX_KAFKA_SASL_PASSWORD_FILE"] = secret.string();
  EXPECT_EQ(run({"doctor", "--offline"}).exit_code, 0);
  EXPECT_EQ(run({"doctor", "--offline", "--strict"}).exit_code, 2);
}

}  // namespace
}  // namespace kinbox::testing

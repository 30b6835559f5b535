// kinbox dlq topic, from a real broker into SQLite.
#include <gmock/gmock.h>

#include <fstream>
#include <nlohmann/json.hpp>

#include "cli/foreign/dlq_survey.hpp"
#include "core/iso_time.hpp"
#include "kinbox/errors.hpp"
#include "kinbox/sqlite/database.hpp"
#include "support/broker_kafka.hpp"
#include "support/captured_records.hpp"
#include "support/child_process.hpp"
#include "support/eventually.hpp"
#include "support/in_process_cli.hpp"
#include "support/temporary_directory.hpp"

namespace kinbox::cli {
namespace {

using kinbox::testing::captured_records;
using kinbox::testing::CliResult;
using kinbox::testing::run_cli;
using kinbox::testing::unique_name;
using nlohmann::json;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

/// The topic of the fixture is a DLQ topic here; consumer "billing" reads payments and tickets.
class CliDlqTopic : public kinbox::testing::BrokerKafkaTest {
 protected:
  void SetUp() override {
    BrokerKafkaTest::SetUp();
    if (IsSkipped() || HasFatalFailure()) return;
    // Records of 1970 would be deleted within a second.
    create_topic(3, {{"retention.ms", "-1"}});
    // A broker tells of a new topic a moment later.
    ASSERT_TRUE(kinbox::testing::eventually([&] { return admin_->topic_exists(topic_); }));
    std::ofstream(config_) << "kafka: {bootstrap.servers: '" << brokers_ << "'}\n"
                           << "database: {sqlite: k.db}\n"
                           << "consumers:\n"
                           << "  - {name: billing, topics: [payments, " << tickets_
                           << "], handlers: [h]}\n"
                           << "  - {name: shipping, topics: [orders], handlers: [h]}\n";
    HandlerSpec spec;
    spec.name = "h";
    ASSERT_EQ(run_cli({"migrate", "up", "-c", config_.string()}, {spec}).exit_code, 0);
  }
  void TearDown() override {
    if (admin_ && tickets_made_) admin_->delete_topic(tickets_);
    BrokerKafkaTest::TearDown();
  }

  CliResult run(std::vector<std::string> arguments) {
    arguments.insert(arguments.end(), {"-c", config_.string()});
    return run_cli(arguments);
  }

  json answer(std::vector<std::string> arguments, int exit_code = 0) {
    arguments.insert(arguments.begin(), {"dlq", "topic"});
    arguments.insert(arguments.end(), {"-o", "json"});
    const auto result = run(arguments);
    EXPECT_EQ(result.exit_code, exit_code) << result.err;
    err_ = result.err;
    return json::parse(result.out);
  }
  json import(std::vector<std::string> more = {}, int exit_code = 0) {
    more.insert(more.begin(), {"import", topic_, "--yes"});
    if (std::count(more.begin(), more.end(), "--consumer") == 0)
      more.insert(more.end(), {"--consumer", "billing"});
    const auto rows = answer(more, exit_code);
    EXPECT_EQ(rows.size(), 1U);
    return rows[0];
  }

  /// Puts records into the DLQ topic.
  void bury(std::vector<OwnedRecord> records) {
    for (auto& record : records) record.topic = topic_;
    produce(records);
  }
  void bury(const std::string& file) { bury(captured_records(file)); }

  /// A record of no known format, of 1970 and so many hours.
  OwnedRecord plain(std::int32_t partition, int hours) const {
    return {.topic = topic_,
            .partition = partition,
            .offset = 0,
            .timestamp = Timestamp{std::chrono::hours{hours}},
            .key = "k",
            .value = "v",
            .headers = {{"id", "e-" + std::to_string(partition) + "-" + std::to_string(hours)}}};
  }

  std::vector<std::string> letters(const std::string& columns) {
    std::vector<std::string> rows;
    const auto database = sqlite::open({.path = (directory_ / "k.db").string()});
    const auto tx = database->begin();
    for (const auto row : tx->query("SELECT " + columns + " AS text FROM dead_letters ORDER BY id"))
      rows.push_back(row.get<std::string>("text"));
    return rows;
  }

  const std::string tickets_ = unique_name("tickets");
  bool tickets_made_ = false;
  kinbox::testing::TemporaryDirectory directory_;
  std::filesystem::path config_ = directory_ / "kinbox.yaml";
  std::string err_;
};

TEST_F(CliDlqTopic, ListFindsTopicsByWhatIsInThem) {
  bury("spring");
  bury({plain(1, 7)});
  const auto of_topic = [&](const json& rows) {
    for (const auto& row : rows)
      if (row["topic"] == topic_) return row;
    return json();
  };
  EXPECT_EQ(of_topic(answer({"ls"})), json()) << "its name says nothing";
  const auto row = of_topic(answer({"ls", "--all"}));
  ASSERT_FALSE(row.is_null()) << err_;
  EXPECT_EQ(row["partitions"], 3);
  EXPECT_EQ(row["records"], 3);
  EXPECT_EQ(row["format"], "spring, unknown");
  EXPECT_EQ(row["from"], "payments");
  EXPECT_EQ(parse_iso(row["newest"].get<std::string>()),
            captured_records("spring").at(1).timestamp);
}

TEST_F(CliDlqTopic, ATopicThatCannotBeReadDoesNotHideTheOthers) {
  bury({plain(0, 1), plain(0, 2), plain(1, 1)});
  kafka::LogReader reader(kafka::Settings(kinbox::testing::fast_settings(brokers_)));
  const std::vector partitions{partition(0), partition(1)};
  const auto ranges = reader.ranges(partitions);
  const std::vector before{PartitionOffset{partition(0), 2}};
  admin_->delete_records(before);
  const auto torn = look_at(reader, topic_, ranges);
  EXPECT_EQ(torn.records, 3);
  EXPECT_THAT(torn.trouble, HasSubstr("was deleted while it was read"));
  EXPECT_THAT(look_at(reader, topic_, reader.ranges(partitions)).trouble, IsEmpty());
}

TEST_F(CliDlqTopic, ATopicThatIsGoneDoesNotHideTheOthersUnlessNobodyAnswers) {
  bury({plain(0, 1)});
  kafka::LogReader reader(kafka::Settings(kinbox::testing::fast_settings(brokers_)),
                          std::chrono::seconds{3});
  const auto gone = [](const std::string& name) {
    return TopicRanges::value_type{name, {{TopicPartition{name, 0}, LogRange{0, 1}}}};
  };
  TopicRanges topics{gone(unique_name("a"))};
  topics.merge(ranges_of(reader, {{topic_, 3}}));
  const auto seen = survey(reader, topics);
  ASSERT_EQ(seen.size(), 2U);
  EXPECT_THAT(seen[0].trouble, HasSubstr("no broker brings the records"));
  EXPECT_THAT(seen[1].trouble, IsEmpty());
  EXPECT_EQ(seen[1].records, 1);

  topics.insert(gone(unique_name("aa")));
  EXPECT_THROW(survey(reader, topics), InfrastructureError);
}

TEST_F(CliDlqTopic, ShowTellsWhereAndHowEachRecordFailed) {
  bury("spring");
  bury({plain(1, 7)});
  const auto rows = answer({"show", topic_, "--partition", "2"});
  ASSERT_EQ(rows.size(), 2U);
  EXPECT_EQ(rows[1]["format"], "spring");
  EXPECT_EQ(rows[1]["origin_topic"], "payments");
  EXPECT_EQ(rows[1]["origin_partition"], 2);
  EXPECT_EQ(rows[1]["origin_offset"], 1);
  EXPECT_EQ(rows[1]["group"], "billing");
  EXPECT_EQ(rows[1]["error_type"], "java.lang.IllegalStateException");
  EXPECT_EQ(rows[1]["attempts"], 3);
  EXPECT_EQ(rows[1]["value"], R"({"amount": 6})");
  const auto unknown = answer({"show", topic_, "--partition", "1"})[0];
  EXPECT_EQ(unknown["format"], "unknown");
  EXPECT_EQ(unknown["origin_topic"], nullptr);
  EXPECT_EQ(unknown["error_text"], nullptr);
  EXPECT_EQ(answer({"show", topic_, "--limit", "1"}).size(), 1U);
  EXPECT_THAT(err_, HasSubstr("there may be more"));
}

TEST_F(CliDlqTopic, ARangeIsOffsetsOrTimes) {
  bury({plain(0, 1), plain(0, 2), plain(0, 3), plain(1, 2)});
  const auto places = [&](std::vector<std::string> range) {
    range.insert(range.begin(), {"show", topic_});
    std::vector<std::string> found;
    for (const auto& row : answer(range))
      found.push_back(row["partition"].dump() + '@' + row["offset"].dump());
    std::sort(found.begin(), found.end());
    return found;
  };
  EXPECT_THAT(places({"--from", "1"}), ElementsAre("0@1", "0@2"));
  EXPECT_THAT(places({"--until", "1"}), ElementsAre("0@0", "1@0"));
  EXPECT_THAT(places({"--from", "1970-01-01T01:30:00Z", "--until", "1970-01-01T03:00:00Z"}),
              ElementsAre("0@1", "1@0"));
  EXPECT_THAT(places({"--from", "9999"}), IsEmpty());
}

TEST_F(CliDlqTopic, ImportMakesLettersOfTheConsumerOnce) {
  bury("spring");
  bury("spring_retry_topic");  // of topic orders
  const auto dry = import({"--dry-run"});
  EXPECT_EQ(dry["imported"], 2);
  EXPECT_EQ(dry["audit"], nullptr);
  EXPECT_THAT(letters("event_id"), IsEmpty());

  const auto first = import();
  EXPECT_EQ(first["read"], 3);
  EXPECT_EQ(first["imported"], 2);
  EXPECT_EQ(first["other_topic"], 1);
  EXPECT_THAT(letters("topic || '/' || partition || '@' || record_offset || ' ' || event_id"),
              ElementsAre("payments/2@0 e-p-1", "payments/2@1 e-p-2"));

  const auto second = import();
  EXPECT_EQ(second["imported"], 0);
  EXPECT_EQ(second["known"], 2);
  EXPECT_EQ(import({"--consumer", "shipping"})["imported"], 1);
}

TEST_F(CliDlqTopic, ImportIsBounded) {
  bury({plain(0, 1), plain(0, 2), plain(1, 1), plain(1, 2)});
  EXPECT_EQ(import({"--origin", "payments", "--limit", "1"})["imported"], 1);
  EXPECT_EQ(import({"--origin", "payments", "--partition", "1", "--from", "1"})["read"], 1);
  EXPECT_EQ(import({"--origin", "payments"})["imported"], 2);
}

TEST_F(CliDlqTopic, ImportReadsWholeRecordsWhereTheDlqHasOnlyAPart) {
  admin_->create_topic({.name = tickets_, .config = {{"retention.ms", "-1"}}});
  tickets_made_ = true;
  for (const std::string seat : {"7", "8"})
    produce({{.topic = tickets_,
              .partition = 0,
              .offset = 0,
              .timestamp = Timestamp{std::chrono::hours{1}},
              .key = "t-" + seat,
              .value = "seat " + seat,
              .headers = {{"id", "e-t-" + seat}}}});
  std::vector<OwnedRecord> bare(3, captured_records("share_group_bare").at(0));
  bare[1].headers[2].value = "1";
  bare[2].headers[2].value = "99";
  for (auto& record : bare) record.headers[0].value = tickets_;
  bury(bare);

  const auto result = import({}, 2);
  EXPECT_EQ(result["imported"], 2);
  EXPECT_EQ(result["unclear"], 1);
  EXPECT_THAT(err_, HasSubstr(topic_ + "/0@2: has no copy of its record"));
  EXPECT_THAT(letters("event_id || ' ' || CAST(key AS text) || ' ' || CAST(value AS text) || ' ' "
                      "|| record_timestamp_ms"),
              ElementsAre("e-t-7 t-7 seat 7 3600000", "e-t-8 t-8 seat 8 3600000"));
}

TEST_F(CliDlqTopic, WhatIsImportedIsTriedAgainAndAppliedOnceByTheShippedProgram) {
  admin_->create_topic({.name = tickets_, .partitions = 3, .config = {{"retention.ms", "-1"}}});
  tickets_made_ = true;
  auto records = captured_records("spring");
  int number = 0;
  for (auto& record : records) {
    for (auto& header : record.headers)
      if (header.name == "kafka_dlt-original-topic") header.value = tickets_;
    const auto n = std::to_string(++number);
    record.value = R"({"eventType":"ORDER_CREATED","orderId":"o-)" + n + R"(","orderNumber":")" +
                   n + R"(","buyerId":"b","sellerIds":["s"],"totalAmount":1.50})";
  }
  bury(records);
  const auto file = directory_ / "shipped.yaml";
  std::ofstream(file) << "kafka: {bootstrap.servers: '" << brokers_ << "'}\n"
                      << "database: {sqlite: shipped.db}\n"
                      << "consumers: [{name: billing, group: " << unique_name("billing")
                      << ", topics: [" << tickets_ << "], handlers: [order_view], "
                      << "dlq_topic: none}]\n";
  const auto shipped = [&](std::vector<std::string> words) {
    words.insert(words.begin(), KINBOX_BINARY_DIR "/kinbox");
    words.insert(words.end(), {"-c", file.string()});
    kinbox::testing::ChildProcess program(words);
    const auto ended = program.wait_for(std::chrono::seconds{60});
    EXPECT_EQ(ended, (kinbox::testing::ExitStatus{.code = 0, .signal = {}}))
        << program.output(kinbox::testing::ChildProcess::Stream::kErr);
    return program.output();
  };
  shipped({"migrate", "up"});
  const auto import = [&] {
    return json::parse(shipped(
        {"dlq", "topic", "import", topic_, "--consumer", "billing", "--yes", "-o", "json"}))[0];
  };
  EXPECT_EQ(import()["imported"], 2);
  shipped({"dlq", "retry", "--all", "--yes"});
  shipped({"run", "--until-idle"});

  const auto database = sqlite::open({.path = (directory_ / "shipped.db").string()});
  const auto texts = [&](const std::string& sql) {
    std::vector<std::string> found;
    for (const auto row : database->begin()->query(sql)) found.push_back(row.get<std::string>(0));
    return found;
  };
  EXPECT_THAT(texts("SELECT order_id || ' ' || version FROM order_view ORDER BY 1"),
              ElementsAre("o-1 1", "o-2 1"));
  EXPECT_THAT(texts("SELECT state FROM dead_letters"), ElementsAre("resolved", "resolved"));
  EXPECT_THAT(texts("SELECT verdict FROM processed_events"), ElementsAre("applied", "applied"));
  EXPECT_EQ(import()["known"], 2) << "and a second import brings nothing back";
}

TEST_F(CliDlqTopic, DamagedHeadersAreNamed) {
  auto record = captured_records("spring").at(0);
  for (auto& header : record.headers)
    if (header.name == "kafka_dlt-original-partition") header.value = "two";
  bury({record});
  EXPECT_THAT(answer({"show", topic_})[0]["damaged"],
              "header kafka_dlt-original-partition is no number");
  EXPECT_EQ(import()["imported"], 1);
  EXPECT_THAT(err_, HasSubstr("/2@0: header kafka_dlt-original-partition is no number"));
}

TEST_F(CliDlqTopic, ImportAsksFirst) {
  bury("spring");
  const auto refused = run({"dlq", "topic", "import", topic_, "--consumer", "billing"});
  EXPECT_EQ(refused.exit_code, 64);
  EXPECT_THAT(refused.err, HasSubstr("About to import up to 2 records of topic " + topic_ +
                                     " as dead letters of consumer billing. Go on?"));
  EXPECT_THAT(letters("event_id"), IsEmpty());
}

TEST_F(CliDlqTopic, AnEmptyTopicIsNothingToDo) {
  const auto result = run({"dlq", "topic", "import", topic_, "--consumer", "billing"});
  EXPECT_EQ(result.exit_code, 0) << result.err;
}

TEST_F(CliDlqTopic, WhatCannotBeIsRefusedWithTheWayOut) {
  const auto refused = [&](std::vector<std::string> more, int code) {
    more.insert(more.begin(), {"dlq", "topic", "import", topic_, "--yes"});
    const auto result = run(more);
    EXPECT_EQ(result.exit_code, code) << result.err;
    return result.err;
  };
  EXPECT_THAT(refused({"--consumer", "biling"}, 64), HasSubstr("did you mean \"billing\"?"));
  EXPECT_THAT(refused({"--consumer", "billing", "--origin", "payment"}, 64),
              HasSubstr("did you mean \"payments\"?"));
  EXPECT_THAT(refused({"--consumer", "billing", "--from", "yesterday"}, 64),
              HasSubstr("--from (an offset, or a time): \"yesterday\" should be a time like"));
  for (const auto* option : {"--from", "--until"})
    EXPECT_THAT(refused({"--consumer", "billing", option, "2026-01-31"}, 64),
                AllOf(HasSubstr(option), HasSubstr("does not say its zone: write "
                                                   "2026-01-31T00:00:00Z if it is UTC, or ")));
  EXPECT_THAT(refused({"--consumer", "billing", "--partition", "3"}, 64),
              HasSubstr("has partitions 0 to 2"));
  const auto no_topic = run({"dlq", "topic", "show", topic_ + "x"});
  EXPECT_EQ(no_topic.exit_code, 1);
  EXPECT_THAT(no_topic.err, HasSubstr("did you mean \"" + topic_ + "\"?"));
  EXPECT_THAT(run({"dlq", "topic", "show", "nothing-like-it-anywhere"}).err,
              HasSubstr("there is no topic \"nothing-like-it-anywhere\" that this user may see"));
}

TEST(DlqNames, AreThoseOfTheField) {
  for (const auto* name : {"orders-dlt", "orders.DLT", "dlq.billing.orders", "orders_error",
                           "dead_messages", "dead-letters", "orders.DeadLetter", "x-errors"})
    EXPECT_TRUE(has_dlq_name(name)) << name;
  for (const auto* name : {"orders", "deadlines", "errors-seen", "middleware"})
    EXPECT_FALSE(has_dlq_name(name)) << name;
}

}  // namespace
}  // namespace kinbox::cli

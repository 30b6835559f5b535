// The promise over real Kafka, with what only a real broker and a real network do: retention,
// transaction markers, records of every shape, partitions that grow, connections that break.
#include <gmock/gmock.h>

#include <thread>

#include "kinbox/kafka/admin.hpp"
#include "kinbox/kafka/publisher.hpp"
#include "kinbox/kafka/source.hpp"
#include "kinbox/outbox_relay.hpp"
#include "kinbox/worker.hpp"
#include "support/committed_offsets.hpp"
#include "support/eventually.hpp"
#include "support/kafka.hpp"
#include "support/kafka_settings.hpp"
#include "support/kill_scene.hpp"
#include "support/postgres_test_database.hpp"
#include "support/recording_observer.hpp"
#include "support/tcp_proxy.hpp"
#include "support/unique_name.hpp"

namespace kinbox::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::SizeIs;

class EffectHandler : public Handler {
 public:
  explicit EffectHandler(const Dialect& dialect)
      : sql_(dialect.render("INSERT INTO {kinbox}.effects (event_id) VALUES ($1)")) {}
  void handle(const Event& event, Transaction& tx) override { tx.execute(sql_, event.id()); }

 private:
  std::string sql_;
};

class RealServices : public KillScene {
 protected:
  kafka::Settings settings() const {
    auto values = quick_group_settings(KafkaService::get().brokers());
    values["topic.metadata.refresh.interval.ms"] = "500";
    return kafka::Settings(values);
  }
  kafka::Admin admin() const { return kafka::Admin(settings()); }

  ConsumerSpec spec() {
    ConsumerSpec made;
    made.name = "victim";
    made.group = group;
    made.topics = {topic};
    made.decoder = EventDecoder(identity);
    HandlerSpec handler;
    handler.name = "insert_effect";
    handler.event_types = {"*"};
    handler.make = [](const HandlerContext& context) {
      return std::make_unique<EffectHandler>(context.dialect);
    };
    made.handlers.push_back({std::move(handler)});
    return made;
  }

  std::unique_ptr<Worker> worker(std::unique_ptr<Database> connection) {
    auto source =
        kafka::make_source({.settings = settings(), .group = group, .topics = {topic}}, observer);
    return std::make_unique<Worker>(spec(), options, std::move(source), std::move(connection),
                                    observer);
  }
  WorkerResult run_until_idle() {
    return worker(connect())->run({.idle = true}, std::chrono::seconds{10});
  }

  std::string sql(std::string_view text) { return database().dialect().render(text); }
  std::vector<std::string> texts(std::string_view text) {
    const auto tx = database().begin();
    std::vector<std::string> found;
    for (const auto row : tx->query(sql(text))) found.push_back(row.get<std::string>(0));
    return found;
  }

  /// For a publisher that shall find out soon that a topic does not exist.
  kafka::Settings impatient() const {
    return kafka::Settings({{"bootstrap.servers", KafkaService::get().brokers()},
                            {"message.timeout.ms", "2000"},
                            {"topic.metadata.refresh.interval.ms", "500"}});
  }

  OwnedRecord read_one(const std::string& from) { return read_from(from, 0); }
  /// The first record of `from` at or behind `offset`.
  OwnedRecord read_from(const std::string& from, Offset offset) {
    RecordingListener start([&](const TopicPartition&) { return offset; });
    RecordingObserver quiet;
    const auto source = kafka::make_source(
        {.settings = settings(), .group = unique_name("reader"), .topics = {from}}, quiet);
    source->subscribe(start);
    const auto records = poll_records(*source, 1);
    source->close(std::chrono::steady_clock::now() + std::chrono::seconds{5});
    return records.at(0);
  }

  IdentityRules identity;
  WorkerOptions options;
  RecordingObserver observer;
};
KINBOX_FOR_ALL_DATABASES(RealServices);

TEST_P(RealServices, RetentionBehindThePositionHaltsWithTheExactGap) {
  const auto five = [&](int first) {
    std::vector<OwnedRecord> records;
    for (int n = first; n < first + 5; ++n)
      records.push_back(text_record(topic, 0, R"({"eventId":"e-)" + std::to_string(n) + R"("})"));
    produce(KafkaService::get().brokers(), records);
  };
  five(0);
  run_until_idle();
  five(5);
  const PartitionOffset before{{topic, 0}, 8};
  admin().delete_records({&before, 1});
  const auto result = run_until_idle();
  ASSERT_THAT(result.halted, SizeIs(1));
  EXPECT_THAT(result.halted[0].second, HasSubstr("records 5 to 7 are gone"));
  EXPECT_EQ(effects(), 5);
  EXPECT_THAT(texts("SELECT state FROM {kinbox}.consumer_progress WHERE partition = 0"),
              ElementsAre("halted"));
}

TEST_P(RealServices, TransactionMarkersAreGapsAndAbortedRecordsDoNotExist) {
  const auto brokers = KafkaService::get().brokers();
  const auto record = [&](const char* id) {
    return std::vector{text_record(topic, 0, R"({"eventId":")" + std::string(id) + R"("})")};
  };
  produce_in_transaction(brokers, record("committed-1"), true);
  produce_in_transaction(brokers, record("aborted"), false);
  produce_in_transaction(brokers, record("committed-2"), true);
  run_until_idle();
  EXPECT_THAT(texts("SELECT event_id FROM {kinbox}.effects ORDER BY event_id"),
              ElementsAre("committed-1", "committed-2"));
  // Offsets: 0 record, 1 marker, 2 aborted, 3 marker, 4 record, 5 marker (not passed yet).
  EXPECT_EQ(number(sql("SELECT gaps FROM {kinbox}.consumer_progress WHERE partition = 0")), 3);
  EXPECT_EQ(number(sql("SELECT next_offset FROM {kinbox}.consumer_progress WHERE partition = 0")),
            5);
}

TEST_P(RealServices, WhatCompactionTookIsAGap) {
  topic = unique_name("compacted");
  admin().create_topic({.name = topic,
                        .partitions = 1,
                        .config = {{"cleanup.policy", "compact"},
                                   {"segment.ms", "100"},
                                   {"min.cleanable.dirty.ratio", "0.01"},
                                   {"max.compaction.lag.ms", "1000"}}});
  const auto brokers = KafkaService::get().brokers();
  CommittedOffsets committed(brokers, group, topic, 1);
  const auto write = [&](const std::string& key, const std::string& id) {
    auto record = text_record(topic, 0, R"({"eventId":")" + id + R"("})");
    record.key = key;
    produce(brokers, {&record, 1});
  };
  for (const auto* of : {"old-", "new-"})
    for (int n = 0; n < 6; ++n) {
      write("key-" + std::to_string(n), of + std::to_string(n));
      if (n == 3 && of == std::string("old-")) {  // our position: behind old-3
        options.budget.max_records = 1;
        worker(connect())->run({.records = 4}, std::chrono::seconds{10});
      }
    }
  EXPECT_EQ(number(sql("SELECT next_offset FROM {kinbox}.consumer_progress")), 4);
  int ticks = 0;
  const auto first_from_4 = [&] {
    write("tick", "tick-" + std::to_string(ticks++));  // closes a segment
    return read_from(topic, 4).offset;
  };
  ASSERT_TRUE(eventually([&] { return first_from_4() >= 6; }, std::chrono::seconds{60}));

  options.budget.max_records = 500;
  run_until_idle();
  EXPECT_THAT(texts("SELECT event_id FROM {kinbox}.effects WHERE event_id NOT LIKE 'tick%' "
                    "ORDER BY event_id"),
              ElementsAre("new-0", "new-1", "new-2", "new-3", "new-4", "new-5", "old-0", "old-1",
                          "old-2", "old-3"));
  EXPECT_GE(number(sql("SELECT gaps FROM {kinbox}.consumer_progress")), 2) << "old-4 and old-5";
  EXPECT_EQ(effects(), distinct_effects());
  EXPECT_EQ(number(sql("SELECT next_offset - first_offset - applied - gaps FROM "
                       "{kinbox}.consumer_progress")),
            0);
  EXPECT_EQ(number(sql("SELECT next_offset FROM {kinbox}.consumer_progress")), 12 + ticks);
  EXPECT_EQ(committed.steps_back(), "");
}

TEST_P(RealServices, RecordsOfEveryShapeGetAVerdict) {
  identity.max_value_bytes = 1'000'000;
  auto large = text_record(topic, 0, std::string(900'000, ' ') + R"({"eventId":"large"})");
  auto too_large = text_record(topic, 0, std::string(1'000'001, ' '));
  OwnedRecord tombstone;
  tombstone.topic = topic;
  tombstone.key = "gone";
  tombstone.headers = {{"id", "tombstone"}};
  auto empty = text_record(topic, 0, "");
  auto repeated = text_record(topic, 0, "{}");
  repeated.headers = {{"id", "first"}, {"id", "last"}, {"nothing", std::nullopt}};
  const std::vector records{large, too_large, tombstone, empty, repeated};
  produce(KafkaService::get().brokers(), records);
  run_until_idle();
  EXPECT_THAT(texts("SELECT event_id FROM {kinbox}.effects ORDER BY event_id"),
              ElementsAre("large", "last", "tombstone"));
  EXPECT_THAT(texts("SELECT reason FROM {kinbox}.dead_letters ORDER BY id"),
              ElementsAre("too_large", "undecodable"));
}

TEST_P(RealServices, APartitionAddedWhileRunningIsConsumed) {
  produce_events(10);
  auto running = worker(connect());
  std::jthread loop([&] { running->run(); });
  ASSERT_TRUE(eventually([&] { return effects() == 10; })) << effects();
  admin().create_partitions(topic, 3);
  const std::vector record{text_record(topic, 2, R"({"eventId":"in the new one"})")};
  EXPECT_TRUE(eventually([&] {
    try {
      produce(KafkaService::get().brokers(), record);
      return true;
    } catch (const std::exception&) {
      return false;  // The broker's metadata lags behind its own answer.
    }
  }));
  EXPECT_TRUE(eventually([&] { return effects() == 11; })) << effects();
  running->stop();
}

TEST_P(RealServices, DeadLettersReachTheDlqTopicByteForByte) {
  OwnedRecord poison = text_record(topic, 0, "{broken");
  poison.key = std::string("\x00key", 4);
  // Not older than the topics' retention, which goes by it.
  poison.timestamp = std::chrono::floor<std::chrono::milliseconds>(
      std::chrono::system_clock::now() - std::chrono::hours{1});
  poison.headers = {{"h", "1"}, {"h", std::nullopt}};
  produce(KafkaService::get().brokers(), {&poison, 1});
  run_until_idle();

  const auto dlq = "dlq." + group + "." + topic;
  OutboxRelay relay(connect(), kafka::make_publisher({.settings = impatient()}, observer), {},
                    observer);
  // The topic does not exist: the row waits, and says why.
  EXPECT_EQ(relay.run_once(), 0U);
  ASSERT_THAT(observer.notices<notice::RelayBlocked>(), SizeIs(1));
  EXPECT_EQ(observer.notices<notice::RelayBlocked>()[0].topic, dlq);
  EXPECT_THAT(texts("SELECT state FROM {kinbox}.outbox"), ElementsAre("pending"));

  admin().create_topic({.name = dlq, .partitions = 1});
  ASSERT_TRUE(eventually([&] { return relay.run_once() == 1; }, std::chrono::seconds{40}));
  const auto arrived = read_one(dlq);
  EXPECT_EQ(arrived.key, poison.key);
  EXPECT_EQ(arrived.value, poison.value);
  EXPECT_EQ(arrived.timestamp, poison.timestamp);
  ASSERT_GE(arrived.headers.size(), 2U);
  EXPECT_EQ(arrived.headers[0], poison.headers[0]);
  EXPECT_EQ(arrived.headers[1], poison.headers[1]);
}

class BrokenConnections : public RealServices {
 protected:
  std::unique_ptr<Database> through(TcpProxy& proxy) {
    postgres::Options connection;
    connection.uri = PostgresService::get().uri_at_port(proxy.port());
    connection.schema = home().place();
    return postgres::factory(connection)();
  }
};
KINBOX_FOR_POSTGRES(BrokenConnections);

TEST_P(BrokenConnections, ACommitWhoseReplyIsLostIsNotRepeated) {
  produce_events(40);
  options.budget.max_records = 10;
  TcpProxy proxy(PostgresService::get().port());
  auto running = worker(through(proxy));
  observer.at_step([&, armed = std::make_shared<int>(0)](Step step) {
    if (step == Step::kBeforeCommit && ++*armed == 2) proxy.lose_reply("COMMIT", "COMMIT");
  });
  running->run({.idle = true}, std::chrono::seconds{10});
  EXPECT_EQ(proxy.losses(), 1);
  EXPECT_EQ(complaints(), "");
}

TEST_P(BrokenConnections, ACommitThatNeverArrivedIsRepeated) {
  produce_events(40);
  options.budget.max_records = 10;
  TcpProxy proxy(PostgresService::get().port());
  auto running = worker(through(proxy));
  observer.at_step([&, armed = std::make_shared<int>(0)](Step step) {
    if (step == Step::kBeforeCommit && ++*armed == 2) proxy.lose_request("COMMIT");
  });
  running->run({.idle = true}, std::chrono::seconds{10});
  EXPECT_EQ(proxy.losses(), 1);
  EXPECT_EQ(complaints(), "");
}

TEST_P(BrokenConnections, ABackendTerminatedBetweenStatementsCostsNothing) {
  produce_events(40);
  options.budget.max_records = 10;
  auto running = worker(connect());
  int killed = 0;
  observer.at_step([&](Step step) {
    if (step != Step::kHandled || killed > 0) return;
    killed = static_cast<int>(
        number(sql("SELECT count(pg_terminate_backend(owner_session::integer)) FROM "
                   "{kinbox}.consumer_progress WHERE owner_session <> ''")));
  });
  running->run({.idle = true}, std::chrono::seconds{10});
  EXPECT_GT(killed, 0);
  EXPECT_FALSE(observer.notices<notice::Unavailable>().empty());
  EXPECT_EQ(complaints(), "");
}

TEST_P(BrokenConnections, ResetsAtRandomMomentsCostNothing) {
  produce_events(200);
  options.budget.max_records = 10;
  options.infrastructure.first_delay = std::chrono::milliseconds{5};
  options.infrastructure.max_delay = std::chrono::milliseconds{20};
  TcpProxy proxy(PostgresService::get().port());
  auto running = worker(through(proxy));
  observer.at_step([&, count = std::make_shared<int>(0)](Step) {
    if (++*count % 23 == 0) proxy.reset_all();
  });
  running->run({.idle = true}, std::chrono::seconds{10});
  EXPECT_FALSE(observer.notices<notice::Unavailable>().empty());
  EXPECT_EQ(complaints(), "");
}

}  // namespace
}  // namespace kinbox::testing

#include "support/kill_scene.hpp"

#include "kinbox/kafka/admin.hpp"
#include "support/kafka.hpp"
#include "support/kafka_settings.hpp"
#include "support/unique_name.hpp"

namespace kinbox::testing {

void KillScene::SetUp() {
  KINBOX_REQUIRE_KAFKA();
  DatabaseContract::SetUp();
}

void KillScene::prepare() {
  migrate(database());
  script(database().dialect().render("CREATE TABLE {kinbox}.effects (event_id text NOT NULL)"));
  topic = unique_name("kill");
  group = unique_name("group");
  const kafka::Settings settings({{"bootstrap.servers", KafkaService::get().brokers()}});
  kafka::Admin(settings).create_topic({.name = topic, .partitions = partitions});
}

std::string KillScene::services_config() {
  std::string text = "kafka:\n";
  for (const auto& [key, value] : quick_group_settings(KafkaService::get().brokers()))
    text += "  " + key + ": '" + value + "'\n";
  text += is_sqlite() ? "database: {sqlite: " + home().place()
                      : "database: {postgres: '" + PostgresService::get().uri() +
                            "', schema: " + home().place();
  return text + "}\n";
}

void KillScene::produce_events(int count, const std::string& prefix) {
  std::vector<OwnedRecord> records;
  for (int n = 0; n < count; ++n) {
    const auto id = prefix + '-' + std::to_string(n);
    const auto value = R"({"eventId":")" + id + R"(","eventType":"Created"})";
    records.push_back(text_record(topic, n % partitions, value));
    ++produced_events;
    if (n % 5 == 0) records.push_back(text_record(topic, (n + 1) % partitions, value));
  }
  produce(KafkaService::get().brokers(), records);
  produced_records += static_cast<std::int64_t>(records.size());
}

std::unique_ptr<ChildProcess> KillScene::consumer(const std::vector<std::string>& arguments) {
  std::vector<std::string> command{KINBOX_BINARY_DIR "/tests/kinbox_test_consumer",
                                   "brokers=" + KafkaService::get().brokers(), "topics=" + topic,
                                   "group=" + group};
  for (const auto& argument : database_arguments()) command.push_back(argument);
  command.insert(command.end(), arguments.begin(), arguments.end());
  return std::make_unique<ChildProcess>(command);
}

void KillScene::consume_the_rest() {
  const auto last = consumer();
  const auto status = last->wait_for(std::chrono::seconds{60});
  ASSERT_TRUE(status.has_value()) << "the last consumer did not come to an end:\n"
                                  << last->output(ChildProcess::Stream::kErr);
  EXPECT_EQ(*status, (ExitStatus{.code = 0, .signal = {}}))
      << last->output() << last->output(ChildProcess::Stream::kErr);
}

std::int64_t KillScene::effects() {
  return number(database().dialect().render("SELECT count(*) FROM {kinbox}.effects"));
}

std::int64_t KillScene::distinct_effects() {
  return number(
      database().dialect().render("SELECT count(DISTINCT event_id) FROM {kinbox}.effects"));
}

std::string KillScene::complaints() {
  std::string found;
  const auto expect = [&](const std::string& what, std::string_view sql, std::int64_t expected) {
    const auto actual = number(database().dialect().render(sql));
    if (actual != expected)
      found +=
          what + ": " + std::to_string(actual) + " instead of " + std::to_string(expected) + "\n";
  };
  expect("effects", "SELECT count(*) FROM {kinbox}.effects", produced_events);
  expect("events with an effect", "SELECT count(DISTINCT event_id) FROM {kinbox}.effects",
         produced_events);
  expect("inbox rows", "SELECT count(*) FROM {kinbox}.processed_events", produced_events);
  expect("distance the positions moved",
         "SELECT sum(next_offset - first_offset - gaps) FROM {kinbox}.consumer_progress",
         produced_records);
  expect(
      "records by verdict",
      "SELECT sum(applied + duplicates + parked + dead + skipped) FROM {kinbox}.consumer_progress",
      produced_records);
  expect("dead letters", "SELECT count(*) FROM {kinbox}.dead_letters", 0);
  expect("open batches",
         "SELECT count(*) FROM {kinbox}.consumer_progress WHERE open_batch IS NOT NULL", 0);
  expect("halted partitions",
         "SELECT count(*) FROM {kinbox}.consumer_progress WHERE state <> 'running'", 0);
  return found;
}

}  // namespace kinbox::testing

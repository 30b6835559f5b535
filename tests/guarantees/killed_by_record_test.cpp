// Records that end their process: real `kinbox run`s on real Kafka and both databases, started
// again each time as a supervisor would.
#include <gmock/gmock.h>
#include <signal.h>

#include <fstream>
#include <nlohmann/json.hpp>

#include "support/kafka.hpp"
#include "support/kill_scene.hpp"
#include "support/services.hpp"
#include "support/temporary_directory.hpp"

namespace kinbox::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr auto kPatience = std::chrono::seconds{60};
constexpr const char* kImpatient = ", handler_timeout: 300ms, handler_grace: 300ms";
constexpr auto kErr = ChildProcess::Stream::kErr;
const ExitStatus kClean{.code = 0, .signal = {}};

class KilledByRecord : public KillScene {
 protected:
  void prepare() override {
    KillScene::prepare();
    configure();
  }

  void configure(const std::string& more = "") {
    std::ofstream out(config_);
    out << services_config() << "consumers:\n  - {name: victim, group: " << group << ", topics: ["
        << topic << "], handlers: [fatal], max_batch: 10, dlq_topic: none" << more << "}\n";
  }

  /// `count` events in each partition.
  void send(const std::string& prefix, int count, const std::string& killer = "") {
    std::vector<OwnedRecord> records;
    for (int n = 0; n < count; ++n)
      for (int partition = 0; partition < partitions; ++partition) {
        const bool kills = !killer.empty() && partition == 0 && n == count / 4;
        const auto id =
            kills ? killer : prefix + std::to_string(partition) + '-' + std::to_string(n);
        records.push_back(
            text_record(topic, partition, R"({"eventId":")" + id + R"(","eventType":"Created"})"));
      }
    produce(KafkaService::get().brokers(), records);
  }

  /// Events of partition 0, each with its key, in this order.
  void send_keyed(const std::vector<std::pair<std::string, std::string>>& ids_and_keys) {
    std::vector<OwnedRecord> records;
    for (const auto& [id, key] : ids_and_keys) {
      records.push_back(
          text_record(topic, 0, R"({"eventId":")" + id + R"(","eventType":"Created"})"));
      records.back().key = key;
    }
    produce(KafkaService::get().brokers(), records);
  }

  /// Again while it ends without having been given all partitions: the group may count a process
  /// that died as a member for some seconds, and give it some.
  ExitStatus run() {
    for (int left = 20;; --left) {
      const auto status = run_once();
      if (status != kClean || was_given_all() || left == 0) return status;
    }
  }

  bool was_given_all() const {
    for (int partition = 0; partition < partitions; ++partition)
      if (said_.find(topic + '/' + std::to_string(partition) + ": ours") == said_.npos)
        return false;
    return true;
  }

  ExitStatus run_once() {
    ChildProcess child({KINBOX_BINARY_DIR "/tests/kinbox_test_fatal", "run", "--until-idle",
                        "--config", config_.string()},
                       {.environment = {{"FATAL_MOOD", mood_}}, .working_directory = {}});
    const auto status = child.wait_for(kPatience);
    said_ = child.output(kErr);
    if (!status) ADD_FAILURE() << "it neither ends nor dies:\n" << said_;
    return status.value_or(ExitStatus{});
  }

  /// `what`: "dlq" or "parked".
  void retry_all(const std::string& what = "dlq") {
    ChildProcess desk({KINBOX_BINARY_DIR "/tests/kinbox_test_fatal", what, "retry", "--all",
                       "--yes", "--config", config_.string()});
    ASSERT_EQ(desk.wait_for(kPatience), kClean) << desk.output(kErr);
  }

  std::vector<std::string> texts(std::string_view sql) {
    std::vector<std::string> found;
    for (const auto row : database().begin()->query(database().dialect().render(sql)))
      found.push_back(row.get<std::string>(0));
    return found;
  }
  /// Of the events whose ids begin with `prefix`, in the order in which they took effect.
  std::vector<std::string> effects_of(const std::string& prefix) {
    return texts("SELECT event_id FROM {kinbox}.effects WHERE event_id LIKE '" + prefix +
                 "%' ORDER BY " + (is_sqlite() ? "rowid" : "ctid"));
  }

  /// The event "sick", which was set aside, ends each process while records pass, and is found.
  void die_beside_records() {
    mood_ = "fatal";
    for (int crash = 0; crash < 4; ++crash) {
      send("beside" + std::to_string(crash) + '-', 2);
      ASSERT_EQ(run(), (ExitStatus{.code = {}, .signal = SIGSEGV})) << crash << '\n' << said_;
      EXPECT_EQ(number("SELECT count(*) FROM {kinbox}.effects WHERE event_id = 'sick'"), 0);
      for (const auto* const table : {"parked_events", "dead_letters"})
        EXPECT_EQ(number("SELECT count(*) FROM {kinbox}." + std::string(table) +
                         " WHERE crashes > 0 AND event_id <> 'sick'"),
                  0)
            << "its neighbours are innocent";
      EXPECT_EQ(charged(0) + charged(1), 0) << "no record did it";
    }
    ASSERT_EQ(run(), kClean) << said_;
  }

  std::string last_line() const {
    const auto end = said_.find_last_not_of('\n');
    const auto begin = said_.rfind('\n', end);
    return said_.substr(begin == said_.npos ? 0 : begin + 1, end - begin);
  }

  std::int64_t charged(int partition) {
    return number(
        "SELECT coalesce(max(attempt_count), 0) FROM {kinbox}.consumer_progress "
        "WHERE partition = " +
        std::to_string(partition));
  }

  /// A record that ends each process with `ending` is found, and nothing else is touched.
  void find(const std::string& killer, const ExitStatus& ending) {
    send("e", 20, killer);
    for (int crash = 0; crash < 4; ++crash) {
      ASSERT_EQ(run(), ending) << "crash " << crash << '\n' << said_;
      EXPECT_EQ(number("SELECT count(*) FROM {kinbox}.effects WHERE event_id = '" + killer + "'"),
                0);
      EXPECT_EQ(charged(1), 0) << "its neighbour is innocent";
    }
    ASSERT_EQ(run(), kClean) << said_;
    EXPECT_EQ(number("SELECT count(*) FROM {kinbox}.dead_letters"), 1);
    EXPECT_EQ(number("SELECT count(*) FROM {kinbox}.dead_letters WHERE event_id = '" + killer +
                     "' AND reason = 'crashed' AND handler = 'fatal' AND attempts = 3"),
              1);
    expect_all_applied_but_one(40);
    // More than a batch of each partition: then nobody is under suspicion any more.
    send("later", 20);
    ASSERT_EQ(run(), kClean) << said_;
    EXPECT_EQ(number("SELECT count(*) FROM {kinbox}.consumer_progress WHERE suspect"), 0);
    send("last", 20);
    ASSERT_EQ(run(), kClean) << said_;
    EXPECT_THAT(said_, ::testing::Not(HasSubstr("did not leave in order")));
    expect_all_applied_but_one(120);
  }

  void expect_all_applied_but_one(std::int64_t sent) {
    EXPECT_EQ(effects(), sent - 1);
    EXPECT_EQ(distinct_effects(), sent - 1);
    EXPECT_EQ(number("SELECT CAST(sum(applied) AS BIGINT) FROM {kinbox}.consumer_progress"),
              sent - 1);
    EXPECT_EQ(number("SELECT CAST(sum(dead) AS BIGINT) FROM {kinbox}.consumer_progress"), 1);
  }

  TemporaryDirectory directory_;
  std::filesystem::path config_ = directory_ / "kinbox.yaml";
  std::string said_;
  /// FATAL_MOOD of tests/programs/fatal.
  std::optional<std::string> mood_;
};
KINBOX_FOR_ALL_DATABASES(KilledByRecord);

TEST_P(KilledByRecord, ThatFollowsANullPointer) { find("segv", {.code = {}, .signal = SIGSEGV}); }

TEST_P(KilledByRecord, ThatBreaksAnInvariant) { find("abort", {.code = {}, .signal = SIGABRT}); }

TEST_P(KilledByRecord, IsFoundAgainWhenItIsTriedAgainAmongOthers) {
  const ExitStatus aborted{.code = {}, .signal = SIGABRT};
  find("abort", aborted);
  retry_all();
  for (int crash = 0; crash < 4; ++crash) {
    send("beside" + std::to_string(crash) + '-', 2);
    ASSERT_EQ(run(), aborted) << "crash " << crash << '\n' << said_;
  }
  ASSERT_EQ(run(), kClean) << said_;
  EXPECT_EQ(number("SELECT count(*) FROM {kinbox}.dead_letters WHERE state = 'open' "
                   "AND reason = 'crashed' AND redrive_count = 1"),
            1);
  expect_all_applied_but_one(120 + 4 * 4);
}

TEST_P(KilledByRecord, IsFoundAmongParkedEventsAndItsKeyGoesOn) {
  configure(
      ", on_error: {retry: {max_attempts: 1}, then: park, "
      "park: {delays: [1h, 1h], then: dead_letter}}");
  mood_ = "frail";
  send_keyed({{"sick", "k"},
              {"behind-1", "k"},
              {"frail", "m"},
              {"behind-2", "k"},
              {"after-frail", "m"},
              {"other", "n"}});
  ASSERT_EQ(run(), kClean) << said_;
  ASSERT_EQ(number("SELECT count(*) FROM {kinbox}.parked_events"), 5) << said_;
  retry_all("parked");
  die_beside_records();
  EXPECT_THAT(texts("SELECT event_id FROM {kinbox}.dead_letters WHERE reason = 'crashed' "
                    "AND handler = 'fatal' AND state = 'open'"),
              ElementsAre("sick"));
  EXPECT_THAT(effects_of("behind"), ElementsAre("behind-1", "behind-2"));
  EXPECT_EQ(number("SELECT count(*) FROM {kinbox}.parked_events"), 0);
  expect_all_applied_but_one(6 + 4 * 4);
  // More than a batch of each partition: then nobody is under suspicion any more.
  send("later", 20);
  ASSERT_EQ(run(), kClean) << said_;
  EXPECT_EQ(number("SELECT count(*) FROM {kinbox}.consumer_progress WHERE suspect"), 0);
}

TEST_P(KilledByRecord, IsFoundAmongRequestedLettersAndAppliedOnceItIsMended) {
  configure(", on_error: {retry: {max_attempts: 1}}");
  mood_ = "frail";
  send_keyed({{"sick", "k"}, {"frail-1", "k"}, {"frail-2", "m"}, {"other", "n"}});
  ASSERT_EQ(run(), kClean) << said_;
  ASSERT_EQ(number("SELECT count(*) FROM {kinbox}.dead_letters"), 3) << said_;
  retry_all();
  die_beside_records();
  EXPECT_THAT(texts("SELECT event_id FROM {kinbox}.dead_letters WHERE state = 'open' "
                    "AND reason = 'crashed' AND redrive_count = 1 AND crashes = 0"),
              ElementsAre("sick"));
  EXPECT_THAT(effects_of("frail"), ::testing::UnorderedElementsAre("frail-1", "frail-2"));
  expect_all_applied_but_one(4 + 4 * 4);
  mood_.reset();
  retry_all();
  ASSERT_EQ(run(), kClean) << said_;
  EXPECT_EQ(number("SELECT count(*) FROM {kinbox}.dead_letters WHERE state = 'resolved'"), 3);
  EXPECT_THAT(effects_of("sick"), ElementsAre("sick"));
  EXPECT_EQ(effects(), 4 + 4 * 4);
}

TEST_P(KilledByRecord, OfOneWorkerDoesNotChargeWhatAnotherTries) {
  configure(", workers: 2");
  find("abort", {.code = {}, .signal = SIGABRT});
}

TEST_P(KilledByRecord, ThatNeedsMoreMemoryThanThereIs) {
#ifdef __SANITIZE_ADDRESS__
  GTEST_SKIP() << "AddressSanitizer ends a process without memory by itself";
#endif
  find("memory", {.code = {}, .signal = SIGABRT});
}

TEST_P(KilledByRecord, ThatNeverComesBackAndIsNamedByTheLastLine) {
  configure(kImpatient);
  send("warm", 4, "loop-1");
  ASSERT_EQ(run(), (ExitStatus{.code = 1, .signal = {}})) << said_;
  const auto line = nlohmann::json::parse(last_line());
  EXPECT_EQ(line["kind"], "handler_hung");
  EXPECT_EQ(line["consumer"], "victim");
  EXPECT_EQ(line["handler"], "fatal");
  EXPECT_EQ(line["event_id"], "loop-1");
  EXPECT_EQ(line["topic"], topic);
  EXPECT_EQ(line["partition"], 0);
  EXPECT_EQ(line["offset"], 1);
  EXPECT_THAT(line["message"].get<std::string>(),
              HasSubstr(topic + "/0@1 event loop-1: handler fatal has not come back for 600ms"));
}

TEST_P(KilledByRecord, ThatNeverComesBack) {
  configure(kImpatient);
  find("loop", {.code = 1, .signal = {}});
}

}  // namespace
}  // namespace kinbox::testing

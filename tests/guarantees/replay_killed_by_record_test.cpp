// Records that end the process of a replay, or of a trial: real `kinbox replay apply`s on real
// Kafka and both databases, started again each time as an operator would.
#include <gmock/gmock.h>
#include <signal.h>

#include <fstream>
#include <nlohmann/json.hpp>

#include "support/kafka.hpp"
#include "support/kill_scene.hpp"
#include "support/temporary_directory.hpp"

namespace kinbox::testing {
namespace {

using nlohmann::json;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr auto kPatience = std::chrono::seconds{60};
constexpr auto kErr = ChildProcess::Stream::kErr;
const ExitStatus kClean{.code = 0, .signal = {}};
const ExitStatus kNotClean{.code = 2, .signal = {}};
const ExitStatus kSegmentationFault{.code = {}, .signal = SIGSEGV};

/// Forty events whose rows were lost, some of which the program cannot survive any more.
class ReplayKilledByRecord : public KillScene {
 protected:
  void prepare() override {
    KillScene::prepare();
    configure();
  }

  void configure(const std::string& more = "", int max_batch = 10) {
    std::ofstream(config_) << services_config()
                           << "outbox: {relay: none}\nconsumers:\n  - {name: victim, group: "
                           << group << ", topics: [" << topic
                           << "], handlers: [fatal], max_batch: " << max_batch
                           << ", dlq_topic: none" << more << "}\n";
  }

  /// In each partition twenty; those of partition 0 at `killers` are sick. The effects of all are
  /// forgotten.
  void lose_rows(const std::set<int>& killers, const std::string& which = "1 = 1") {
    std::vector<OwnedRecord> records;
    for (int n = 0; n < 20; ++n)
      for (int partition = 0; partition < partitions; ++partition) {
        const bool kills = partition == 0 && killers.contains(n);
        const auto id =
            (kills ? "sick-" : "e-") + std::to_string(partition) + '-' + std::to_string(n);
        records.push_back(
            text_record(topic, partition, R"({"eventId":")" + id + R"(","eventType":"Created"})"));
      }
    produce(KafkaService::get().brokers(), records);
    ASSERT_EQ(run({"run", "--until-idle"}, ""), kClean) << said_;
    ASSERT_EQ(effects(), 40);
    script(database().dialect().render("DELETE FROM {kinbox}.processed_events WHERE " + which));
    script(database().dialect().render("DELETE FROM {kinbox}.effects"));
    live_ = live();
  }
  void plan(const std::string& mode) {
    ASSERT_EQ(run({"replay", "plan", "--consumer", "victim", "--to-earliest", "--mode", mode,
                   "--file", plan_},
                  ""),
              kClean)
        << said_;
  }

  ExitStatus run(std::vector<std::string> arguments, const std::string& mood = "fatal") {
    arguments.insert(arguments.begin(), KINBOX_BINARY_DIR "/tests/kinbox_test_fatal");
    arguments.insert(arguments.end(), {"--config", config_.string()});
    ChildProcess child(arguments, ChildOptions{.environment = {{"FATAL_MOOD", mood}}});
    const auto status = child.wait_for(kPatience);
    said_ = child.output(kErr);
    out_ = child.output();
    if (!status) ADD_FAILURE() << "it neither ends nor dies:\n" << said_;
    return status.value_or(ExitStatus{});
  }
  ExitStatus apply() { return run({"replay", "apply", plan_, "--yes", "-o", "json"}); }

  /// What the live consumer knows of where it is and what it did.
  std::string live() {
    std::string all;
    const auto tx = database().begin();
    for (const auto row : tx->query(database().dialect().render(
             "SELECT topic, partition, next_offset, first_offset, applied, dead, duplicates, "
             "parked, skipped, gaps, epoch FROM {kinbox}.consumer_progress ORDER BY partition")))
      for (std::size_t i = 1; i < 11; ++i) all += std::to_string(row.get<std::int64_t>(i)) + ' ';
    return all;
  }
  std::int64_t count(const std::string& what) {
    return number(database().dialect().render("SELECT count(*) FROM {kinbox}." + what));
  }

  TemporaryDirectory directory_;
  std::filesystem::path config_ = directory_ / "kinbox.yaml";
  std::string plan_ = (directory_ / "plan.json").string();
  std::string said_;
  std::string out_;
  std::string live_;
};
KINBOX_FOR_ALL_DATABASES(ReplayKilledByRecord);

TEST_P(ReplayKilledByRecord, IsDeadAfterItsCrashesAndTheOthersRan) {
  lose_rows({5});
  plan("fill");
  for (int crash = 0; crash < 4; ++crash) {
    ASSERT_EQ(apply(), kSegmentationFault) << "crash " << crash << '\n' << said_;
    EXPECT_EQ(count("effects WHERE event_id LIKE 'sick%'"), 0);
    EXPECT_EQ(said_.find("one record at a time at first") != said_.npos, crash > 0) << said_;
  }
  EXPECT_EQ(apply(), kNotClean) << said_;
  EXPECT_THAT(said_, HasSubstr("applied 39, known 0, dead 1"));
  EXPECT_EQ(count("dead_letters WHERE event_id = 'sick-0-5' AND reason = 'crashed' AND "
                  "handler = 'fatal' AND attempts = 3"),
            1);
  EXPECT_EQ(effects(), 39);
  EXPECT_EQ(distinct_effects(), 39);
  EXPECT_EQ(live(), live_) << "no live position was moved";
  EXPECT_EQ(count("replays WHERE state = 'done' AND clean_stop"), 1);

  // Nothing is under suspicion any more, and what killed is a letter that can be tried again.
  plan("fill");
  EXPECT_EQ(apply(), kClean) << said_;
  EXPECT_THAT(said_, Not(HasSubstr("one record at a time")));
  EXPECT_EQ(effects(), 39);
}

TEST_P(ReplayKilledByRecord, IsFoundBehindManyThatHaveTheirVerdict) {
  configure("", 2);
  lose_rows({17}, "partition = 1 OR event_id LIKE 'sick%'");
  plan("fill");
  for (int crash = 0; crash < 4; ++crash) ASSERT_EQ(apply(), kSegmentationFault) << said_;
  EXPECT_EQ(apply(), kNotClean) << said_;
  EXPECT_EQ(count("dead_letters WHERE event_id = 'sick-0-17' AND reason = 'crashed'"), 1);
  EXPECT_EQ(effects(), 20);
}

TEST_P(ReplayKilledByRecord, StopsTheReplayWhereOnErrorSaysHalt) {
  configure(", on_error: {then: halt}");
  lose_rows({5});
  plan("fill");
  for (int crash = 0; crash < 4; ++crash) ASSERT_EQ(apply(), kSegmentationFault) << said_;
  EXPECT_EQ(apply(), kNotClean) << said_;
  EXPECT_THAT(said_, AllOf(HasSubstr("it is paused"), HasSubstr("/0@5"),
                           HasSubstr("the last 3 processes that ran it, alone")));
  EXPECT_EQ(count("replays WHERE state = 'paused'"), 1);
  EXPECT_EQ(count("dead_letters"), 0);
  // Mended, the event runs: who resumes says that it may.
  EXPECT_EQ(run({"replay", "resume", "1"}, ""), kClean) << said_;
  EXPECT_EQ(effects(), 40);
  EXPECT_EQ(distinct_effects(), 40);
}

TEST_P(ReplayKilledByRecord, IsWhatATrialReportsWithoutRunningIt) {
  lose_rows({5, 17});
  plan("trial");
  int crashes = 0;
  auto ended = apply();
  for (; ended == kSegmentationFault && crashes < 20; ended = apply()) ++crashes;
  ASSERT_EQ(ended, kNotClean) << said_;
  EXPECT_THAT(crashes, AllOf(::testing::Ge(1 + 3 + 3), ::testing::Le(1 + 3 + 1 + 3)))
      << "in a batch first, then alone";
  std::map<std::string, std::int64_t> outcomes;
  for (const auto& row : json::parse(out_)) {
    outcomes[row["outcome"]] += row["events"].get<std::int64_t>();
    const bool fails = row["outcome"] == "would fail";
    EXPECT_EQ(row["error_text"].dump().find("did not survive it") != std::string::npos, fails);
  }
  EXPECT_EQ(outcomes,
            (std::map<std::string, std::int64_t>{{"would succeed", 38}, {"would fail", 2}}));
  EXPECT_THAT(said_, HasSubstr("events ran alone"));
  EXPECT_EQ(effects(), 0);
  EXPECT_EQ(count("dead_letters"), 0);
  EXPECT_EQ(count("replays"), 0);
  EXPECT_EQ(live(), live_);
  // The next one knows nothing of it: somebody may have mended it.
  EXPECT_EQ(run({"replay", "apply", plan_, "-o", "json"}, ""), kClean) << said_;
  EXPECT_THAT(said_, Not(HasSubstr("ran alone")));
}

}  // namespace
}  // namespace kinbox::testing

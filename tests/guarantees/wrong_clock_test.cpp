// Real `kinbox run`s whose wall clock is hours wrong, on a PostgreSQL whose clock is right: what
// was set aside is due when the database says so. SQLite has no clock but its process's; there the
// simulation moves the two apart (simulation/database_clock_test.cpp).
#include <gmock/gmock.h>
#include <signal.h>

#include <fstream>
#include <nlohmann/json.hpp>

#include "support/eventually.hpp"
#include "support/kafka.hpp"
#include "support/kill_scene.hpp"
#include "support/services.hpp"
#include "support/temporary_directory.hpp"

namespace kinbox::testing {
namespace {

using namespace std::chrono_literals;
using ::testing::AllOf;
using ::testing::Ge;
using ::testing::Le;

constexpr auto kErr = ChildProcess::Stream::kErr;
constexpr auto kErrors = {-6h, +6h};
const ExitStatus kClean{.code = 0, .signal = {}};

class WrongClock : public KillScene {
 protected:
  void prepare() override {
    KillScene::prepare();
    std::ofstream out(config_);
    out << services_config() << "consumers:\n  - {name: victim, group: " << group << ", topics: ["
        << topic << "], handlers: [fatal], dlq_topic: none, on_error: {retry: {max_attempts: 1}, "
        << "then: park, park: {delays: [1h, 1h], then: dead_letter}, "
        << "rules: [{class: permanent, then: dead_letter}]}}\n";
  }

  void send(const std::vector<std::string>& ids) {
    std::vector<OwnedRecord> records;
    for (const auto& id : ids) {
      records.push_back(
          text_record(topic, 0, R"({"eventId":")" + id + R"(","eventType":"Created"})"));
      records.back().key = id;
    }
    produce(KafkaService::get().brokers(), records);
  }

  std::unique_ptr<ChildProcess> start(std::chrono::seconds error, const std::string& mood,
                                      std::vector<std::string> words) {
    words.insert(words.begin(), KINBOX_BINARY_DIR "/tests/kinbox_test_wrong_clock");
    words.insert(words.end(), {"--config", config_.string()});
    return std::make_unique<ChildProcess>(
        words, ChildOptions{.environment = {{"WRONG_CLOCK", std::to_string(error.count())},
                                            {"FATAL_MOOD", mood}},
                            .working_directory = {}});
  }

  /// What it said on stderr.
  std::string run(std::chrono::seconds error, const std::string& mood,
                  const std::vector<std::string>& words = {"run", "--until-idle"}) {
    const auto child = start(error, mood, words);
    const auto status = child->wait_for(60s);
    EXPECT_EQ(status.value_or(ExitStatus{}), kClean) << child->output(kErr);
    return child->output(kErr);
  }

  /// Of what the database will try next, by its own clock.
  std::int64_t seconds_until_due(const std::string& table) {
    return number(
        "SELECT CAST(extract(epoch FROM min(due_at) - clock_timestamp()) AS bigint) FROM "
        "{kinbox}." +
        table);
  }
  std::int64_t count(const std::string& rest) {
    return number("SELECT count(*) FROM {kinbox}." + rest);
  }

  TemporaryDirectory directory_;
  std::filesystem::path config_ = directory_ / "kinbox.yaml";
};
KINBOX_FOR_POSTGRES(WrongClock);

TEST_P(WrongClock, IsWhatTheProgramHas) {
  send({"e"});
  const auto said = run(-6h, "");
  const auto line = nlohmann::json::parse(said.substr(0, said.find('\n')));
  std::tm told{};
  strptime(line["time"].get<std::string>().c_str(), "%Y-%m-%dT%H:%M:%S", &told);
  const std::chrono::seconds behind{std::time(nullptr) - timegm(&told)};
  EXPECT_THAT(behind, AllOf(Ge(6h), Le(6h + 1min))) << said;
}

TEST_P(WrongClock, ParkedEventsWaitForTheDatabasesDelays) {
  for (const auto error : kErrors) {
    const auto id = "frail" + std::to_string(error.count());
    send({id});
    run(error, "frail");
    EXPECT_THAT(seconds_until_due("parked_events"), AllOf(Ge(3500), Le(3600)));
    // Not tried early by one who is ahead, and one that is behind knows no earlier, either.
    for (const auto other : kErrors) run(other, "");
    ASSERT_EQ(count("parked_events WHERE attempts = 1"), 1);
    script(database().dialect().render(
        "UPDATE {kinbox}.parked_events SET due_at = due_at - interval '1 hour'"));
    // Due now, whatever its clock says.
    run(error, "");
    EXPECT_EQ(count("effects WHERE event_id = '" + id + "'"), 1);
    EXPECT_EQ(count("parked_events"), 0);
  }
}

TEST_P(WrongClock, AParkedEventThatFailsAgainWaitsForTheDatabasesDelay) {
  for (const auto error : kErrors) {
    send({"frail" + std::to_string(error.count())});
    run(0h, "frail");
    script(database().dialect().render("UPDATE {kinbox}.parked_events SET due_at = {now}"));
    run(error, "frail");
    EXPECT_EQ(count("parked_events WHERE attempts = 2"), 1);
    EXPECT_THAT(seconds_until_due("parked_events"), AllOf(Ge(3500), Le(3600)));
    script(database().dialect().render("DELETE FROM {kinbox}.parked_events"));
  }
}

TEST_P(WrongClock, RequestedLettersWaitForIt) {
  for (const auto error : kErrors) {
    const auto prefix = "refused" + std::to_string(error.count());
    send({prefix + "-1", prefix + "-2"});
    run(0h, "refusing");
    ASSERT_EQ(count("dead_letters WHERE state = 'open'"), 2);
    run(error, "", {"dlq", "retry", "--all", "--yes", "--rate", "1/h"});
    EXPECT_THAT(seconds_until_due("dead_letters WHERE state = 'requested' AND due_at > {now}"),
                AllOf(Ge(3500), Le(3600)));
    for (const auto other : kErrors) run(other, "");
    EXPECT_EQ(count("effects WHERE event_id LIKE '" + prefix + "%'"), 1);
    script(database().dialect().render(
        "UPDATE {kinbox}.letter_states SET due_at = due_at - interval '1 hour'"));
    run(error, "");
    EXPECT_EQ(count("effects WHERE event_id LIKE '" + prefix + "%'"), 2);
  }
}

TEST_P(WrongClock, WhatIsDueWhileTheProcessRunsIsTriedThen) {
  for (const auto error : kErrors) {
    const auto prefix = "refused" + std::to_string(error.count());
    send({prefix + "-1", prefix + "-2", prefix + "-3"});
    run(0h, "refusing");
    run(error, "", {"dlq", "retry", "--all", "--yes", "--rate", "1/s"});
    const auto running = start(error, "", {"run"});
    EXPECT_TRUE(eventually([&] { return count("dead_letters WHERE state <> 'resolved'") == 0; }))
        << running->output(kErr);
    running->signal(SIGTERM);
    EXPECT_EQ(running->wait_for(60s).value_or(ExitStatus{}), kClean);
    EXPECT_EQ(count("effects WHERE event_id LIKE '" + prefix + "%'"), 3);
  }
}

}  // namespace
}  // namespace kinbox::testing

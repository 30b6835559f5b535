// Events reach their topic, each at least once and per key in order, whatever is done to relays:
// real Kafka, both databases, real SIGKILLs.
#include <gmock/gmock.h>
#include <signal.h>

#include <map>
#include <set>

#include "kinbox/kafka/admin.hpp"
#include "kinbox/kafka/source.hpp"
#include "kinbox/outbox.hpp"
#include "support/child_process.hpp"
#include "support/eventually.hpp"
#include "support/kafka.hpp"
#include "support/services.hpp"
#include "support/test_database.hpp"
#include "support/unique_name.hpp"

namespace kinbox::testing {
namespace {

constexpr auto kPatience = std::chrono::seconds{40};
constexpr int kKeys = 7;

class KilledRelay : public DatabaseContract {
 protected:
  void SetUp() override {
    KINBOX_REQUIRE_KAFKA();
    DatabaseContract::SetUp();
  }

  void prepare() override {
    migrate(database());
    topic_ = unique_name("relayed");
    const kafka::Settings settings({{"bootstrap.servers", KafkaService::get().brokers()}});
    kafka::Admin(settings).create_topic({.name = topic_, .partitions = 3});
  }

  /// Events "0", "1" ... over all keys, ten in a transaction.
  void emit(int count) {
    const Outbox outbox(database().dialect(), {.source = "/test"});
    for (int n = 0; n < count; n += 10) {
      const auto tx = database().begin();
      for (int i = n; i < std::min(n + 10, count); ++i, ++emitted_) {
        const auto number = std::to_string(emitted_);
        outbox.emit(*tx, {.topic = topic_,
                          .key = "k-" + std::to_string(emitted_ % kKeys),
                          .id = number,
                          .type = "counted",
                          .payload = number});
      }
      tx->commit();
    }
  }

  std::unique_ptr<ChildProcess> relay(const std::vector<std::string>& arguments = {}) {
    std::vector<std::string> command{KINBOX_BINARY_DIR "/tests/kinbox_test_relay",
                                     "brokers=" + KafkaService::get().brokers()};
    for (const auto& argument : database_arguments()) command.push_back(argument);
    command.insert(command.end(), arguments.begin(), arguments.end());
    return std::make_unique<ChildProcess>(command);
  }

  std::int64_t pending() {
    return number(
        database().dialect().render("SELECT count(*) FROM {kinbox}.outbox WHERE state <> 'sent'"));
  }

  void kill_at(const std::string& step, int times = 2) {
    const auto victim = relay({"step=" + step, "at=" + std::to_string(times)});
    const auto status = victim->wait_for(kPatience);
    ASSERT_TRUE(status.has_value()) << said(*victim);
    ASSERT_EQ(*status, (ExitStatus{.code = {}, .signal = SIGKILL})) << said(*victim);
  }

  void relay_the_rest() {
    const auto last = relay();
    ASSERT_TRUE(eventually([&] { return pending() == 0; }, kPatience)) << said(*last);
    last->signal(SIGTERM);
    const auto status = last->wait_for(kPatience);
    ASSERT_TRUE(status.has_value()) << said(*last);
    EXPECT_EQ(*status, (ExitStatus{.code = 0, .signal = {}})) << said(*last);
  }

  static std::string said(const ChildProcess& process) {
    return process.output() + process.output(ChildProcess::Stream::kErr);
  }

  /// What is wrong with the topic; empty if every event is there, and of each key the first copies
  /// are in order.
  std::string complaints() {
    LibraryMessages messages;
    RecordingListener listener;
    auto source = kafka::make_source(
        {.settings = kafka::Settings(fast_settings(KafkaService::get().brokers())),
         .group = unique_name("group"),
         .topics = {topic_}},
        messages);
    source->subscribe(listener);
    std::set<int> seen;
    std::map<std::string, int> newest;
    std::string wrong;
    poll_until(
        *source,
        [&](const Polled& polled) {
          for (const auto& record : polled.records) {
            const auto n = std::stoi(std::string(as_text(*record.value())));
            const std::string key(as_text(*record.key()));
            copies_ += seen.contains(n) ? 1 : 0;
            if (!seen.insert(n).second) continue;
            if (newest.contains(key) && newest[key] > n)
              wrong += std::to_string(n) + " comes after " + std::to_string(newest[key]) + "\n";
            newest[key] = n;
          }
        },
        [&] { return static_cast<int>(seen.size()) == emitted_; });
    return wrong;
  }

  std::string topic_;
  int emitted_ = 0;
  int copies_ = 0;
};
KINBOX_FOR_ALL_DATABASES(KilledRelay);

TEST_P(KilledRelay, BeforeItPublishes) {
  emit(100);
  kill_at("read", 5);
  relay_the_rest();
  EXPECT_EQ(complaints(), "");
}

TEST_P(KilledRelay, BehindPublishing) {
  emit(100);
  kill_at("published", 5);
  relay_the_rest();
  EXPECT_EQ(complaints(), "");
}

TEST_P(KilledRelay, WithAnAnswerThatIsNotWrittenDown) {
  emit(100);
  kill_at("answered");
  relay_the_rest();
  EXPECT_EQ(complaints(), "");
  EXPECT_GT(copies_, 0) << "at least once is all that can be promised";
}

TEST_P(KilledRelay, WithAnAnswerThatIsWrittenDown) {
  emit(100);
  kill_at("marked", 1);
  relay_the_rest();
  EXPECT_EQ(complaints(), "");
}

TEST_P(KilledRelay, SeveralAtOnceAgainAndAgain) {
  int kills = 0;
  for (const auto* step : {"read", "answered", "marked", "published", "answered", "read"}) {
    emit(40);
    const auto first = relay({std::string("step=") + step, "at=3", "lease_ms=300"});
    const auto second = relay({"step=answered", "at=2", "lease_ms=300"});
    ASSERT_TRUE(eventually([&] { return pending() == 0 || first->wait_for({}) != std::nullopt; },
                           kPatience))
        << said(*first) << said(*second);
    kills += first->kill().signal == SIGKILL ? 1 : 0;
    kills += second->kill().signal == SIGKILL ? 1 : 0;
  }
  EXPECT_EQ(kills, 12);
  relay_the_rest();
  EXPECT_EQ(complaints(), "");
}

TEST_P(KilledRelay, AZombieThatThawsDisturbsNoOrder) {
  emit(60);
  const auto zombie = relay({"step=answered", "at=2", "signal=STOP", "lease_ms=300"});
  ASSERT_TRUE(zombie->wait_for_line("step answered", kPatience).has_value()) << said(*zombie);
  ASSERT_TRUE(eventually([&] { return zombie->is_stopped(); }));
  ASSERT_GT(pending(), 0);
  relay_the_rest();
  emit(60);
  zombie->signal(SIGCONT);
  ASSERT_TRUE(eventually([&] { return pending() == 0; }, kPatience)) << said(*zombie);
  zombie->signal(SIGTERM);
  ASSERT_TRUE(zombie->wait_for(kPatience).has_value()) << said(*zombie);
  EXPECT_EQ(complaints(), "");
}

}  // namespace
}  // namespace kinbox::testing

// Twenty joins and leaves, some by SIGKILL, while events arrive: real Kafka, real PostgreSQL,
// members in processes of their own.
#include <gmock/gmock.h>
#include <librdkafka/rdkafka.h>
#include <signal.h>

#include <random>

#include "support/committed_offsets.hpp"
#include "support/eventually.hpp"
#include "support/kill_scene.hpp"

namespace kinbox::testing {
namespace {

constexpr auto kPatience = std::chrono::seconds{40};

class KilledChurn : public KillScene {
 protected:
  static constexpr int kChanges = 20;
  static constexpr std::size_t kMostMembers = 4;
  static constexpr int kEventsPerChange = 60;

  KilledChurn() { partitions = 6; }

  /// `settings`: of the members, as tests/programs/consumer takes them.
  void churn(const std::vector<std::string>& settings);
  void join(const std::vector<std::string>& settings);
  void leave(int change);
  /// Every third one has no time to say goodbye.
  static bool is_killed(int change) { return change % 3 == 0; }

  std::vector<std::unique_ptr<ChildProcess>> members_;
  std::minstd_rand random_{7};
  int kills_ = 0;
};
KINBOX_FOR_POSTGRES(KilledChurn);

void KilledChurn::join(const std::vector<std::string>& settings) {
  std::vector<std::string> arguments{"until=stopped", "batch=5"};
  arguments.insert(arguments.end(), settings.begin(), settings.end());
  members_.push_back(consumer(arguments));
  // In the group, whatever it got: a rebalance that ends while the next one begins may go by.
  auto& member = *members_.back();
  ASSERT_TRUE(member.wait_for_line("assigned", kPatience).has_value())
      << member.output() << member.output(ChildProcess::Stream::kErr);
}

void KilledChurn::leave(int change) {
  const auto victim = members_.begin() + static_cast<std::ptrdiff_t>(random_() % members_.size());
  auto member = std::move(*victim);
  members_.erase(victim);
  if (is_killed(change)) {
    member->kill();
    ++kills_;
    return;
  }
  member->signal(SIGTERM);
  const auto status = member->wait_for(kPatience);
  ASSERT_TRUE(status.has_value());
  EXPECT_EQ(*status, (ExitStatus{.code = 0, .signal = {}}))
      << member->output() << member->output(ChildProcess::Stream::kErr);
}

void KilledChurn::churn(const std::vector<std::string>& settings) {
  CommittedOffsets committed(KafkaService::get().brokers(), group, topic, partitions);
  produce_events(kEventsPerChange, "first");
  for (int i = 0; i < 2; ++i) ASSERT_NO_FATAL_FAILURE(join(settings));
  for (int change = 0; change < kChanges; ++change) {
    const auto before = effects();
    produce_events(kEventsPerChange, "c" + std::to_string(change));
    const bool may_leave = members_.size() > 1;
    if (may_leave && (members_.size() == kMostMembers || random_() % 2 == 0))
      ASSERT_NO_FATAL_FAILURE(leave(change));
    else
      ASSERT_NO_FATAL_FAILURE(join(settings));
    // The next change comes into the middle of it.
    ASSERT_TRUE(eventually([&] { return effects() > before; }, kPatience)) << change;
  }
  EXPECT_GE(kills_, 3);
  ASSERT_TRUE(eventually([&] { return effects() >= produced_events; }, kPatience)) << effects();
  for (auto& member : members_) member->signal(SIGTERM);
  for (auto& member : members_) ASSERT_TRUE(member->wait_for(kPatience).has_value());
  EXPECT_GT(committed.moves(), kChanges);
  EXPECT_EQ(committed.steps_back(), "");
  consume_the_rest();
  EXPECT_EQ(complaints(), "");
}

TEST_P(KilledChurn, LosesAndDoublesNothingInAnEagerGroup) {
  churn({"partition.assignment.strategy=range,roundrobin"});
}

TEST_P(KilledChurn, LosesAndDoublesNothingInACooperativeGroup) {
  if (rd_kafka_version() < 0x020a01ff)
    GTEST_SKIP() << "librdkafka " << rd_kafka_version_str() << " is not right with these";
  churn({"partition.assignment.strategy=cooperative-sticky"});
}

TEST_P(KilledChurn, LosesAndDoublesNothingWhereTheBrokerAssigns) {
  if (rd_kafka_version() < 0x020c00ff)
    GTEST_SKIP() << "librdkafka " << rd_kafka_version_str() << " does not do this";
  churn({"group.protocol=consumer"});
}

}  // namespace
}  // namespace kinbox::testing

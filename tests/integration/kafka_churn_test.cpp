// Members join, leave, pause and go back while records arrive: none is left out, none goes to a
// stranger.
#include <gtest/gtest.h>
#include <librdkafka/rdkafka.h>

#include <atomic>
#include <random>
#include <thread>

#include "support/broker_kafka.hpp"
#include "support/group_member.hpp"

namespace kinbox::kafka {
namespace {

using namespace std::chrono_literals;
using namespace kinbox::testing;
using Clock = std::chrono::steady_clock;

class KafkaChurnTest : public BrokerKafkaTest {
 protected:
  static constexpr int kPartitions = 6;
  static constexpr int kRounds = 60;
  static constexpr int kPerRound = 50;
  static constexpr auto kPace = 150ms;

  void churn(const std::map<std::string, std::string>& more);

  /// A member that lives for a random while, again and again, until everything is read.
  void live(unsigned seed, const std::map<std::string, std::string>& more);
  void disturb(GroupMember& member, std::minstd_rand& random);

  bool done() { return positions_.applied() >= Offset{kPartitions} * kRounds * kPerRound; }

  SharedPositions positions_;
  const Clock::time_point limit_ = Clock::now() + 100s;
};

void KafkaChurnTest::disturb(GroupMember& member, std::minstd_rand& random) {
  if (member.owned().empty()) return;
  auto picked = member.owned().begin();
  std::advance(picked, random() % member.owned().size());
  switch (random() % 4) {
    case 0:
      return member.source().pause(*picked);
    case 1:
      return member.source().start_at(*picked, positions_.next(*picked));
    default:
      return member.source().resume(*picked);
  }
}

void KafkaChurnTest::live(unsigned seed, const std::map<std::string, std::string>& more) {
  std::minstd_rand random(seed);
  while (!done() && Clock::now() < limit_) {
    GroupMember member(options(more), messages_, positions_);
    const auto end = Clock::now() + std::chrono::milliseconds(2000 + random() % 4000);
    while (!done() && Clock::now() < end) {
      member.poll({.max_records = 1 + random() % 100,
                   .max_bytes = 10 + random() % 1000,
                   .max_wait = std::chrono::milliseconds(random() % 20)});
      disturb(member, random);
    }
    member.source().close(Clock::now() + 10s);
    EXPECT_TRUE(member.owned().empty());
  }
}

void KafkaChurnTest::churn(const std::map<std::string, std::string>& more) {
  create_topic(kPartitions);
  std::vector<std::thread> members;
  for (unsigned seed : {1U, 2U, 3U}) members.emplace_back([&, seed] { live(seed, more); });
  for (int round = 0; round < kRounds; ++round) {
    std::vector<OwnedRecord> records;
    for (int number = 0; number < kPartitions; ++number)
      for (auto& record : numbered_records(topic_, number, kPerRound, round * kPerRound))
        records.push_back(std::move(record));
    produce(records);
    std::this_thread::sleep_for(kPace);  // so that members come and go meanwhile
  }
  for (auto& member : members) member.join();
  EXPECT_TRUE(done()) << positions_.applied() << " applied\n" << messages_.all_text();
  RecordProperty("deliveries", std::to_string(positions_.deliveries()));
}

TEST_F(KafkaChurnTest, InAnEagerGroup) {
  churn({{"partition.assignment.strategy", "range,roundrobin"}});
}

TEST_F(KafkaChurnTest, InACooperativeGroup) {
  if (rd_kafka_version() < 0x020a01ff)
    GTEST_SKIP() << "librdkafka " << rd_kafka_version_str() << " is not right with these";
  churn({{"partition.assignment.strategy", "cooperative-sticky"}});
}

}  // namespace
}  // namespace kinbox::kafka

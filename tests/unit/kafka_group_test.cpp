// Members that come, go, fall silent.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <set>
#include <thread>

#include "support/kafka.hpp"
#include "support/mock_kafka.hpp"

namespace kinbox::kafka {
namespace {

using namespace std::chrono_literals;
using namespace kinbox::testing;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using Clock = std::chrono::steady_clock;

class KafkaGroupTest : public MockKafkaTest {};

/// Positions that survive members, as a database would keep them.
class Positions {
 public:
  Offset next(const TopicPartition& partition) {
    const std::lock_guard lock(mutex_);
    return next_[partition];
  }
  void applied(const Record& record) {
    const std::lock_guard lock(mutex_);
    auto& next = next_[record.topic_partition()];
    next = std::max(next, record.offset() + 1);
    ++times_[{record.topic_partition(), record.offset()}];
  }
  std::size_t distinct() {
    const std::lock_guard lock(mutex_);
    return times_.size();
  }

 private:
  std::mutex mutex_;
  std::map<TopicPartition, Offset> next_;
  std::map<std::pair<TopicPartition, Offset>, int> times_;
};

/// A member of the group with books of its own: what it gets must be its own.
class Member {
 public:
  Member(SourceOptions options, Observer& observer, Positions& positions)
      : positions_(positions),
        listener_([this](const TopicPartition& partition) { return positions_.next(partition); }),
        source_(make_source(std::move(options), observer)) {
    source_->subscribe(listener_);
  }

  void poll() {
    for (const auto& record : source_->poll(kSmallWait).records) {
      EXPECT_TRUE(listener_.owned().contains(record.topic_partition()))
          << "delivered to a stranger";
      positions_.applied(record);
    }
  }
  Source& source() { return *source_; }
  RecordingListener& listener() { return listener_; }

 private:
  Positions& positions_;
  RecordingListener listener_;
  std::unique_ptr<Source> source_;
};

TEST_F(KafkaGroupTest, MembersComeAndGoAndEveryRecordIsDeliveredToItsOwner) {
  Positions positions;
  int produced = 0;
  const auto produce_some = [&] {
    for (const int partition : {0, 1}) produce(numbered_records(kTopic, partition, 20, produced));
    produced += 20;
  };
  const auto all_read = [&] { return positions.distinct() == 2 * std::size_t(produced); };
  const auto poll_all = [&](std::vector<Member*> members, const std::function<bool()>& done) {
    const auto limit = Clock::now() + 30s;
    while (!done() && Clock::now() < limit)
      for (auto* member : members) member->poll();
    EXPECT_TRUE(done());
  };

  Member first(options(), observer_, positions);
  produce_some();
  poll_all({&first}, all_read);
  Member second(options(), observer_, positions);
  produce_some();
  poll_all({&first, &second}, [&] {
    return all_read() && first.listener().owned().size() == 1 &&
           second.listener().owned().size() == 1;
  });
  produce_some();
  poll_all({&first, &second}, all_read);
  second.source().close(soon());
  EXPECT_THAT(second.listener().owned(), IsEmpty());
  produce_some();
  poll_all({&first}, [&] { return all_read() && first.listener().owned().size() == 2; });
}

TEST_F(KafkaGroupTest, APausedPartitionThatComesBackIsNotStuck) {
  Positions positions;
  Member first(options(), observer_, positions);
  while (first.listener().owned().size() < 2) first.poll();
  first.source().pause(kP0);
  first.source().pause(kP1);
  {
    Member second(options(), observer_, positions);
    while (first.listener().owned().size() != 1 || second.listener().owned().size() != 1) {
      first.poll();
      second.poll();
    }
    second.source().close(soon());
  }
  produce(numbered_records(kTopic, 0, 1));
  produce(numbered_records(kTopic, 1, 1));
  const auto limit = Clock::now() + 20s;
  while (positions.distinct() < 2 && Clock::now() < limit) first.poll();
  EXPECT_EQ(positions.distinct(), 2U);
}

TEST_F(KafkaGroupTest, RecordsOfARevokedPartitionLeaveTheBatch) {
  // The member does not poll while its assignment is lost; the rebalance then happens in the middle
  // of a poll that already holds carried records.
  produce(numbered_records(kTopic, 0, 3));
  produce(numbered_records(kTopic, 1, 3));
  auto source = subscribed();
  std::vector<OwnedRecord> batch = poll_records(*source, 1, {.max_bytes = 1, .max_wait = 20ms});
  push_error(kHeartbeat, RD_KAFKA_RESP_ERR_UNKNOWN_MEMBER_ID);
  poll_until(
      *source,
      [&](const Polled& polled) {
        if (listener_.revocations().size() == 1 && listener_.owned().empty()) {
          EXPECT_THAT(polled.records, IsEmpty());
        }
      },
      [&] { return listener_.assignments() == 2; }, {.max_records = 100, .max_wait = 20ms});
  EXPECT_THAT(listener_.revocations(), ElementsAre(Revocation::kLost));
}

TEST_F(KafkaGroupTest, CloseReturnsInTimeWhileTheBrokerIsSilent) {
  auto source = subscribed();
  await_assignment(*source);
  silence();
  const PartitionOffset position{kP0, 1};
  source->tell({&position, 1});
  const auto begin = Clock::now();
  source->close(begin + 2s);
  EXPECT_LT(Clock::now() - begin, 2500ms);
  EXPECT_THAT(listener_.owned(), IsEmpty());
  EXPECT_TRUE(observer_.was_told("4 the group \"g\" could not be left in time"));
  speak();
}

TEST_F(KafkaGroupTest, CloseReturnsInTimeWhileARecordIsKept) {
  produce(numbered_records(kTopic, 0, 1));
  auto source = subscribed();
  std::vector<Record> kept;
  while (kept.empty()) kept = source->poll(kSmallWait).records;
  const auto begin = Clock::now();
  source->close(begin + 1s);
  EXPECT_LT(Clock::now() - begin, 1500ms);
  EXPECT_TRUE(observer_.was_told("4 librdkafka did not let go of its client in time"));
  EXPECT_EQ(as_text(*kept[0].value()), "v0");
}

TEST_F(KafkaGroupTest, CloseLeavesTheGroupWithRecordsFetchedAhead) {
  std::vector<OwnedRecord> many = numbered_records(kTopic, 0, 5000);
  produce(many);
  auto source = subscribed();
  poll_records(*source, 1, {.max_records = 1, .max_wait = 20ms});
  std::this_thread::sleep_for(0ms);
  source->close(soon());
  EXPECT_EQ(observer_.all_text(), "");
  EXPECT_THAT(listener_.revocations(), ElementsAre(Revocation::kOrderly));
}

TEST_F(KafkaGroupTest, ASourceThatWasNotClosedEndsQuietly) {
  auto source = subscribed();
  await_assignment(*source);
  const auto begin = Clock::now();
  source.reset();
  EXPECT_LT(Clock::now() - begin, 2s);
  EXPECT_THAT(listener_.revocations(), IsEmpty());
}

}  // namespace
}  // namespace kinbox::kafka

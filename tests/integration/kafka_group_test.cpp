// Groups of every kind on a real broker: assigned by a member or by the broker, dynamic or static.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <librdkafka/rdkafka.h>
#include <librdkafka/rdkafka_mock.h>

#include "kinbox/errors.hpp"
#include "kinbox/kafka/mock_cluster.hpp"
#include "support/broker_kafka.hpp"

namespace kinbox::kafka {
namespace {

using namespace std::chrono_literals;
using namespace kinbox::testing;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using Clock = std::chrono::steady_clock;

#define REQUIRE_BROKER_ASSIGNMENT()    \
  if (rd_kafka_version() < 0x020c00ff) \
  GTEST_SKIP() << "librdkafka " << rd_kafka_version_str() << " is too old for KIP-848"

class KafkaGroups : public BrokerKafkaTest {
 protected:
  struct Member {
    RecordingListener listener;
    std::unique_ptr<Source> source;
    std::vector<OwnedRecord> records;

    void poll() {
      for (const auto& record : source->poll(kSmallWait).records) records.push_back(record.copy());
    }
  };

  std::unique_ptr<Member> member(SourceOptions asked) {
    auto made = std::make_unique<Member>();
    made->source = make_source(std::move(asked), messages_);
    made->source->subscribe(made->listener);
    return made;
  }

  SourceOptions static_member(int number) {
    auto asked = options({{"group.instance.id", "pod"}, {"session.timeout.ms", "10000"}});
    asked.member = number;
    return asked;
  }

  SourceOptions assigned_by_broker(const std::map<std::string, std::string>& more = {}) {
    auto settings = fast_settings(brokers_);
    for (const auto* key : {"session.timeout.ms", "heartbeat.interval.ms"}) settings.erase(key);
    settings["group.protocol"] = "consumer";
    settings["topic.metadata.refresh.interval.ms"] = "500";
    for (const auto& [key, value] : more) settings[key] = value;
    return {.settings = Settings(settings), .group = group_, .topics = {topic_}};
  }

  static bool poll_all(const std::vector<Member*>& members, const std::function<bool()>& done,
                       std::chrono::seconds limit = 40s) {
    const auto end = Clock::now() + limit;
    while (!done() && Clock::now() < end)
      for (auto* one : members) one->poll();
    return done();
  }

  static std::string end_of(Member& one, Member& other) {
    try {
      for (const auto end = Clock::now() + 40s; Clock::now() < end;) {
        other.poll();
        one.poll();
      }
    } catch (const FatalSourceError& e) {
      return e.what();
    }
    return "none";
  }
};

TEST_F(KafkaGroups, TheMembersOfOneProcessShareAnInstanceIdByNumber) {
  create_topic(4);
  auto first = member(static_member(1));
  auto second = member(static_member(2));
  EXPECT_TRUE(poll_all({first.get(), second.get()}, [&] {
    return first->listener.owned().size() == 2 && second->listener.owned().size() == 2;
  }));
}

TEST_F(KafkaGroups, AStaticMemberThatComesBackInTimeGetsItsPartitionsWithoutARebalance) {
  create_topic(4);
  auto first = member(static_member(1));
  auto second = member(static_member(2));
  ASSERT_TRUE(poll_all({first.get(), second.get()}, [&] {
    return first->listener.owned().size() == 2 && second->listener.owned().size() == 2;
  }));
  const auto its = second->listener.owned();
  const auto before = first->listener.assignments();
  second->source->close(soon());
  second = member(static_member(2));
  EXPECT_TRUE(
      poll_all({first.get(), second.get()}, [&] { return second->listener.owned() == its; }));
  EXPECT_EQ(first->listener.assignments(), before);
  EXPECT_THAT(first->listener.owned(), SizeIs(2));
}

TEST_F(KafkaGroups, ASecondMemberOfTheSameInstanceIdEndsTheFirst) {
  create_topic(1);
  auto first = member(static_member(0));
  ASSERT_TRUE(poll_all({first.get()}, [&] { return first->listener.owned().size() == 1; }));
  auto second = member(static_member(0));
  EXPECT_THAT(end_of(*first, *second),
              AllOf(HasSubstr("group.instance.id \"pod\" belongs to another member"),
                    HasSubstr("give every process an id of its own")));
  first->source->close(soon());
  EXPECT_THAT(first->listener.owned(), IsEmpty());
}

TEST_F(KafkaGroups, TheBrokerAssignsAndMovesPartitionsOfMembersThatComeAndGo) {
  REQUIRE_BROKER_ASSIGNMENT();
  create_topic(4);
  for (int number = 0; number < 4; ++number) produce(numbered_records(topic_, number, 5));
  auto first = member(assigned_by_broker());
  ASSERT_TRUE(poll_all({first.get()}, [&] { return first->records.size() == 20; }));
  auto second = member(assigned_by_broker());
  EXPECT_TRUE(poll_all({first.get(), second.get()}, [&] {
    return first->listener.owned().size() == 2 && second->listener.owned().size() == 2;
  }));
  EXPECT_THAT(first->listener.revocations(), ElementsAre(Revocation::kOrderly));
  const auto its = *second->listener.owned().begin();
  const PartitionOffset position{its, 3};
  second->source->tell({&position, 1});
  second->source->close(soon());
  EXPECT_TRUE(poll_all({first.get()}, [&] { return first->listener.owned().size() == 4; }));
  EXPECT_EQ(first->source->told(its), 3);
  EXPECT_EQ(messages_.all_text(), "");
}

// librdkafka asks on and on then, and says nothing.
TEST_F(KafkaGroups, BrokersThatCannotAssignAreGuessedFromTheirSilence) {
  REQUIRE_BROKER_ASSIGNMENT();
  const MockCluster old;
  constexpr std::int16_t kConsumerGroupHeartbeat = 68;
  rd_kafka_mock_set_apiversion(old.handle(), kConsumerGroupHeartbeat, -1, -1);
  auto asked = assigned_by_broker({{"bootstrap.servers", old.bootstrap_servers()}});
  asked.stalled_after = 300ms;
  auto one = member(std::move(asked));
  EXPECT_TRUE(poll_all({one.get()},
                       [&] { return messages_.was_told("do not know group.protocol: consumer"); }));
  EXPECT_THAT(one->listener.owned(), IsEmpty());
}

TEST_F(KafkaGroups, APartitionAssignedByTheBrokerPausesAndStartsAgain) {
  REQUIRE_BROKER_ASSIGNMENT();
  create_topic(1);
  produce(numbered_records(topic_, 0, 5));
  auto one = member(assigned_by_broker());
  ASSERT_TRUE(poll_all({one.get()}, [&] { return one->source->at_end(partition(0)); }));
  one->source->pause(partition(0));
  one->source->start_at(partition(0), 3);
  one->source->resume(partition(0));
  EXPECT_TRUE(poll_all({one.get()}, [&] { return one->records.size() == 7; }));
  EXPECT_THAT(offsets_of(one->records), ElementsAre(0, 1, 2, 3, 4, 3, 4));
}

TEST_F(KafkaGroups, WhereTheBrokerAssignsTheSecondOfAnInstanceIdCannotJoin) {
  REQUIRE_BROKER_ASSIGNMENT();
  create_topic(1);
  const std::map<std::string, std::string> pod{{"group.instance.id", "pod"}};
  auto first = member(assigned_by_broker(pod));
  ASSERT_TRUE(poll_all({first.get()}, [&] { return first->listener.owned().size() == 1; }));
  auto second = member(assigned_by_broker(pod));
  EXPECT_THAT(end_of(*second, *first),
              HasSubstr("group.instance.id \"pod\" belongs to another member"));
  EXPECT_THAT(first->listener.owned(), SizeIs(1));
}

}  // namespace
}  // namespace kinbox::kafka

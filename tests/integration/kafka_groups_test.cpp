#include <gmock/gmock.h>

#include "kinbox/errors.hpp"
#include "kinbox/kafka/groups.hpp"
#include "support/broker_kafka.hpp"
#include "support/eventually.hpp"
#include "support/reset_offsets.hpp"

namespace kinbox::kafka {
namespace {

using namespace std::chrono_literals;
using namespace kinbox::testing;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Pair;
using ::testing::SizeIs;

class KafkaGroupOffsets : public BrokerKafkaTest {
 protected:
  void SetUp() override {
    BrokerKafkaTest::SetUp();
    if (IsSkipped()) return;
    groups_ = std::make_unique<Groups>(Settings(fast_settings(brokers_)));
  }

  std::map<TopicPartition, GroupOffset> offsets() {
    const std::vector both{partition(0), partition(1)};
    return groups_->offsets(group_, both);
  }

  std::unique_ptr<Groups> groups_;
};

TEST_F(KafkaGroupOffsets, WithoutMembersAreEmpty) {
  EXPECT_EQ(groups_->state(group_).state, "Dead");
  EXPECT_TRUE(groups_->state(group_).is_empty());
  create_topic(2);
  const PartitionOffset some{partition(0), 0};
  groups_->set_offsets(group_, {&some, 1});
  EXPECT_EQ(groups_->state(group_).state, "Empty");
  EXPECT_TRUE(groups_->state(group_).is_empty());
}

TEST_F(KafkaGroupOffsets, HaveMembersWhileSomebodyIsInThem) {
  create_topic(2);
  produce(numbered_records(topic_, 0, 3));
  const auto source = subscribed();
  poll_records(*source, 3);
  const auto state = groups_->state(group_);
  EXPECT_EQ(state.state, "Stable");
  EXPECT_THAT(state.members, SizeIs(1));
  EXPECT_FALSE(state.is_empty());
  const PartitionOffset some{partition(0), 1};
  EXPECT_THROW(groups_->set_offsets(group_, {&some, 1}), ConfigurationError);
  source->close(soon());
  EXPECT_TRUE(eventually([&] { return groups_->state(group_).is_empty(); }));
}

TEST_F(KafkaGroupOffsets, KnowWhichOffsetsKinboxTold) {
  create_topic(2);
  produce(numbered_records(topic_, 0, 3));
  EXPECT_THAT(offsets(), IsEmpty());
  const auto source = subscribed();
  poll_records(*source, 3);
  const PartitionOffset told{partition(0), 3};
  source->tell({&told, 1});
  source->close(soon());
  EXPECT_THAT(offsets(), ElementsAre(Pair(partition(0), GroupOffset{3, true})));
  const std::vector<PartitionOffset> reset{{partition(0), 1}, {partition(1), 0}};
  reset_offsets(brokers_, group_, reset);
  EXPECT_THAT(offsets(), ElementsAre(Pair(partition(0), GroupOffset{1, false}),
                                     Pair(partition(1), GroupOffset{0, false})));
  const PartitionOffset again{partition(0), 2};
  groups_->set_offsets(group_, {&again, 1});
  EXPECT_EQ(offsets().at(partition(0)), (GroupOffset{2, true}));
}

TEST(KafkaGroupOffsetsWithoutBroker, SaySoInTime) {
  Groups groups(Settings(fast_settings("127.0.0.1:1")), 300ms);
  const auto begin = std::chrono::steady_clock::now();
  const PartitionOffset some{{"t", 0}, 0};
  EXPECT_THROW(groups.state("g"), InfrastructureError);
  EXPECT_THROW(groups.offsets("g", {&some.partition, 1}), InfrastructureError);
  EXPECT_THROW(groups.set_offsets("g", {&some, 1}), InfrastructureError);
  EXPECT_LT(std::chrono::steady_clock::now() - begin, 6s);
}

}  // namespace
}  // namespace kinbox::kafka

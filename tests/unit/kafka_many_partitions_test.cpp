#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "kafka/joint_answers.hpp"
#include "kinbox/errors.hpp"
#include "support/kafka.hpp"
#include "support/mock_kafka.hpp"

namespace kinbox::kafka {
namespace {

using namespace kinbox::testing;
using ::testing::SizeIs;

class KafkaManyPartitions : public MockKafkaTest {
 protected:
  static constexpr int kMany = 400;

  KafkaManyPartitions() { cluster_.create_topic("wide", kMany); }

  std::unique_ptr<Source> subscribed_to_many(AssignmentListener& listener) {
    auto asked = options();
    asked.topics = {"wide"};
    auto source = make_source(asked, observer_);
    source->subscribe(listener);
    return source;
  }
};

TEST_F(KafkaManyPartitions, AreAskedAboutTogetherBeforeTheyStart) {
  Source* asked = nullptr;
  RecordingListener listener([&](const TopicPartition& partition) -> std::optional<Offset> {
    EXPECT_EQ(asked->told(partition), std::nullopt);
    return asked->log_range(partition).start;
  });
  auto source = subscribed_to_many(listener);
  asked = source.get();
  // One after the other, three questions each would take two minutes; the group's patience and
  // this test's are shorter.
  rd_kafka_mock_broker_set_rtt(cluster_.handle(), -1, 100);
  poll_until(
      *source, [](const Polled&) {}, [&] { return listener.owned().size() == kMany; });
  EXPECT_THAT(listener.revocations(), SizeIs(0));
  // Those that started get an answer of their own.
  produce(numbered_records("wide", 7, 3));
  EXPECT_EQ(source->log_range({"wide", 7}).end, 3);
}

TEST_F(KafkaManyPartitions, NobodyAnswersForAPartitionThatIsNotThere) {
  auto source = subscribed_to_many(listener_);
  EXPECT_THROW(source->log_range({"wide", kMany}), InfrastructureError);
}

TEST(JointAnswersTest, AreForQuestionsThatWereAsked) {
  const TopicPartition partition{"wide", 1};
  JointAnswers answers;
  EXPECT_FALSE(answers.has(kLogEnd, partition));
  answers.keep(kLogEnd, {{partition, {.offset = 7}}});
  EXPECT_TRUE(answers.has(kLogEnd, partition));
  EXPECT_EQ(offset_for(partition, answers.of(kLogEnd)), 7);
  EXPECT_FALSE(answers.has(kLogStart, partition));
  EXPECT_FALSE(answers.has(kLogEnd, {"wide", 2}));
  answers.forget();
  EXPECT_FALSE(answers.has(kLogEnd, partition));
}

TEST(JointAnswersTest, SayWhoseBrokerDidNotTell) {
  const TopicPartition partition{"wide", 1};
  const Answers answers{{partition, {.offset = -1, .error = RD_KAFKA_RESP_ERR__TRANSPORT}}};
  EXPECT_THROW(offset_for(partition, answers), InfrastructureError);
}

}  // namespace
}  // namespace kinbox::kafka

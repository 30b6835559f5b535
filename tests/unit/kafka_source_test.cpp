#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "kinbox/errors.hpp"
#include "kinbox/kafka/mock_cluster.hpp"
#include "kinbox/kafka/source.hpp"
#include "support/kafka.hpp"

namespace kinbox::kafka {
namespace {

using namespace std::chrono_literals;
using kinbox::testing::fast_settings;
using kinbox::testing::numbered_records;
using kinbox::testing::offsets_of;
using kinbox::testing::poll_records;
using kinbox::testing::poll_until;
using kinbox::testing::RecordingListener;
using kinbox::testing::RecordingObserver;
using ::testing::ElementsAre;
using ::testing::SizeIs;

constexpr auto* kTopic = "orders";
const TopicPartition kP0{kTopic, 0};
const TopicPartition kP1{kTopic, 1};

class KafkaSourceTest : public ::testing::Test {
 protected:
  KafkaSourceTest() { cluster_.create_topic(kTopic, 2); }

  SourceOptions options() const {
    return {.settings = Settings(fast_settings(cluster_.bootstrap_servers())),
            .group = "g",
            .topics = {kTopic}};
  }
  void produce(const std::vector<OwnedRecord>& records) {
    kinbox::testing::produce(cluster_.bootstrap_servers(), records);
  }

  MockCluster cluster_;
  RecordingObserver observer_;
  RecordingListener listener_;
};

TEST_F(KafkaSourceTest, BringsRecordsFromWhereTheListenerSays) {
  produce(numbered_records(kTopic, 0, 5));
  RecordingListener listener([](const TopicPartition&) { return 3; });
  auto source = make_source(options(), observer_);
  source->subscribe(listener);
  const auto records = poll_records(*source, 2);
  EXPECT_THAT(offsets_of(records), ElementsAre(3, 4));
  EXPECT_EQ(records[0].value, "v3");
  EXPECT_EQ(records[0].key, "k3");
  source->close(std::chrono::steady_clock::now() + 5s);
  EXPECT_TRUE(listener.owned().empty());
  EXPECT_EQ(observer_.all_text(), "");
}

}  // namespace
}  // namespace kinbox::kafka

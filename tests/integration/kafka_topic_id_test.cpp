// Topics that are deleted and created anew, on a real broker.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <librdkafka/rdkafka.h>

#include "kinbox/errors.hpp"
#include "support/broker_kafka.hpp"
#include "support/eventually.hpp"

namespace kinbox::kafka {
namespace {

using namespace std::chrono_literals;
using namespace kinbox::testing;
using ::testing::Ne;

class KafkaTopicId : public BrokerKafkaTest {
 protected:
  void recreate_topic() {
    admin_->delete_topic(topic_);
    ASSERT_TRUE(eventually([&] {
      try {
        create_topic(1);
        return true;
      } catch (const ConfigurationError&) {
        return false;  // still being deleted
      }
    }));
  }
};

TEST_F(KafkaTopicId, IsToldWhereTheLibraryKnowsIt) {
  create_topic(1);
  auto source = make_source(options(), messages_);
  const auto id = source->topic_id(topic_);
#if RD_KAFKA_VERSION >= 0x020300ff
  EXPECT_THAT(id, Ne(""));
  EXPECT_EQ(source->topic_id(topic_), id);
  recreate_topic();
  EXPECT_TRUE(eventually([&] {
    const auto now = source->topic_id(topic_);
    return !now.empty() && now != id;
  }));
#else
  EXPECT_EQ(id, "");
#endif
  EXPECT_EQ(source->topic_id("no-such-topic"), "");
}

}  // namespace
}  // namespace kinbox::kafka

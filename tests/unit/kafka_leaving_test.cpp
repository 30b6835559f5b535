// librdkafka does not name the group's protocol while it leaves the group; a member that is asked
// to give its partitions back just then must know it nevertheless.
#include <dlfcn.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>

#include "support/kafka.hpp"
#include "support/mock_kafka.hpp"

namespace {
std::atomic<bool> protocol_unknown{false};
}

/// In this program librdkafka's own stands behind this one.
extern "C" const char* rd_kafka_rebalance_protocol(rd_kafka_t* rk) {
  using Function = const char* (*)(rd_kafka_t*);
  static const auto theirs =
      reinterpret_cast<Function>(dlsym(RTLD_NEXT, "rd_kafka_rebalance_protocol"));
  return protocol_unknown ? nullptr : theirs(rk);
}

namespace kinbox::kafka {
namespace {

using namespace kinbox::testing;

class KafkaLeaving : public MockKafkaTest, public ::testing::WithParamInterface<const char*> {
 protected:
  ~KafkaLeaving() override { protocol_unknown = false; }
};

TEST_P(KafkaLeaving, GivesPartitionsBackInTheGroupsProtocolThoughNobodyNamesIt) {
  auto source = subscribed(listener_, {{"partition.assignment.strategy", GetParam()}});
  await_assignment(*source);
  protocol_unknown = true;
  source->close(soon());
  EXPECT_EQ(observer_.all_text(), "");
}

INSTANTIATE_TEST_SUITE_P(Strategies, KafkaLeaving, ::testing::Values("range", "cooperative-sticky"),
                         [](const auto& strategy) {
                           return std::string(strategy.param) == "range" ? "Range" : "Cooperative";
                         });

}  // namespace
}  // namespace kinbox::kafka

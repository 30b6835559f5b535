#include "latency.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>

#include "support/services.hpp"
#include "support/temporary_directory.hpp"
#include "support/unique_name.hpp"

namespace kinbox::bench {
namespace {

using namespace std::chrono_literals;

TEST(BenchLatencies, APercentileIsTheSmallestValueThatCoversItsShare) {
  std::vector<std::chrono::microseconds> sorted;
  for (int i = 1; i <= 200; ++i) sorted.push_back(std::chrono::microseconds{i});
  EXPECT_EQ(percentile(sorted, 0), 1us);
  EXPECT_EQ(percentile(sorted, 0.5), 100us);
  EXPECT_EQ(percentile(sorted, 0.99), 198us);
  EXPECT_EQ(percentile(sorted, 1), 200us);
}

class BenchLatency : public ::testing::Test {
 protected:
  void SetUp() override { KINBOX_REQUIRE_KAFKA(); }

  LatencyPlan plan(const std::string& handler) {
    std::ofstream(config_) << "kafka: {bootstrap.servers: '"
                           << kinbox::testing::KafkaService::get().brokers()
                           << "'}\ndatabase: {sqlite: k.db}\nconsumers:\n"
                           << "  - {name: orders, topics: [any], handlers: [" << handler << "]}\n";
    return {.config = config_,
            .topic = kinbox::testing::unique_name("latency"),
            .rate = 50,
            .warm_up = 1s,
            .duration = 2s};
  }

  const kinbox::testing::TemporaryDirectory directory_;
  const std::string config_ = directory_ / "kinbox.yaml";
};

TEST_F(BenchLatency, IsMeasuredForEveryEventBehindTheWarmUp) {
  const auto latencies = measure_latency(plan("order_view"));
  EXPECT_EQ(latencies.sorted.size(), 100U);
  EXPECT_TRUE(std::is_sorted(latencies.sorted.begin(), latencies.sorted.end()));
  EXPECT_GT(latencies.sorted.front(), 0us);
  EXPECT_GT(latencies.transactions, 0);
}

TEST_F(BenchLatency, IsMeasuredToTheReplyOnItsTopic) {
  auto with_replies = plan("order_view");
  with_replies.emitted = true;
  const auto latencies = measure_latency(with_replies);
  EXPECT_EQ(latencies.emitted.size(), 100U);
  EXPECT_GT(latencies.emitted.front(), latencies.sorted.front());
}

TEST_F(BenchLatency, IsNotMeasuredWhereNobodyConsumes) {
  EXPECT_THROW(measure_latency(plan("no_such_handler")), std::exception);
}

}  // namespace
}  // namespace kinbox::bench

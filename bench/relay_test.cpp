// What carries an outbox carries all of it, never how fast.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "relay_contenders.hpp"
#include "support/services.hpp"
#include "support/unique_name.hpp"

namespace kinbox::bench {
namespace {

class RelayOfTheBench : public ::testing::Test {
 protected:
  void SetUp() override {
    KINBOX_REQUIRE_KAFKA();
    KINBOX_REQUIRE_POSTGRES();
  }

  static RelayTask task() {
    return {.brokers = kinbox::testing::KafkaService::get().brokers(),
            .topic = kinbox::testing::unique_name("relay"),
            .postgres = kinbox::testing::PostgresService::get().uri(),
            .events = 1'200,
            .keys = 70};
  }
};

class BenchRelay : public RelayOfTheBench, public ::testing::WithParamInterface<RelayContender> {};

TEST_P(BenchRelay, CarriesEveryEventOnce) {
  const auto time = run_relay(GetParam(), task());
  EXPECT_GT(time.seconds, 0);
}

INSTANTIATE_TEST_SUITE_P(All, BenchRelay, ::testing::ValuesIn(all_relay_contenders()),
                         [](const auto& one) { return std::string(one.param.name); });

using BenchRelayResult = RelayOfTheBench;

TEST_F(BenchRelayResult, WhatIsNotCarriedIsReported) {
  const RelayContender idle{"idle", [](const RelayTask& task, RunClock& clock) {
                              clock.received();
                              clock.committed(task.events);
                            }};
  EXPECT_THROW(run_relay(idle, task()), std::runtime_error);
}

}  // namespace
}  // namespace kinbox::bench

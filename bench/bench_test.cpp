// What the contenders store, never how fast they are.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "orders.hpp"
#include "run_once.hpp"
#include "support/services.hpp"
#include "support/temporary_directory.hpp"
#include "support/unique_name.hpp"
#include "topic.hpp"

namespace kinbox::bench {
namespace {

TEST(BenchOrders, AnOrderIsAlwaysTheSameAndReadsBack) {
  const auto json = order_json(7);
  EXPECT_EQ(json, order_json(7));
  EXPECT_NEAR(static_cast<double>(json.size()), 200, 40);
  const auto order = parse_order(json);
  EXPECT_EQ(order.order_id, order_id(7));
  EXPECT_EQ(order.event_id.size(), 36U);
  EXPECT_TRUE(order.amount.ends_with(".50"));
  EXPECT_NE(order.event_id, parse_order(order_json(8)).event_id);
}

TEST(BenchOrders, WhatIsNoOrderIsRefused) {
  EXPECT_THROW(parse_order("[1"), std::runtime_error);
  EXPECT_THROW(parse_order(R"({"eventId":"e"})"), std::runtime_error);
}

TEST(BenchClock, AFailedRunHasNoTime) {
  RunClock clock(10);
  clock.received();
  clock.fail(std::make_exception_ptr(std::runtime_error("gone")));
  clock.wait();
  EXPECT_TRUE(clock.over());
  EXPECT_THROW(clock.time(), std::runtime_error);
}

struct Case {
  Contender contender;
  Backend backend;
  int workers;
};

void PrintTo(const Case& one, std::ostream* out) { *out << one.contender.name; }

std::string name_of(const ::testing::TestParamInfo<Case>& info) {
  return std::string(info.param.contender.name) +
         (info.param.backend == Backend::kSqlite ? "_sqlite_" : "_postgres_") +
         std::to_string(info.param.workers);
}

std::vector<Case> all_cases() {
  std::vector<Case> cases;
  for (const auto& contender : all_contenders()) {
    cases.push_back({contender, Backend::kSqlite, 1});
    cases.push_back({contender, Backend::kPostgres, 2});
  }
  return cases;
}

class BenchContender : public ::testing::TestWithParam<Case> {
 protected:
  void SetUp() override {
    KINBOX_REQUIRE_KAFKA();
    if (GetParam().backend == Backend::kPostgres) {
      KINBOX_REQUIRE_POSTGRES();
    }
    content_.topic = kinbox::testing::unique_name("bench");
    if (!GetParam().contender.keeps_position) content_.records = 100;
    produce(brokers(), content_);
  }

  static std::string brokers() { return kinbox::testing::KafkaService::get().brokers(); }

  Task task() const {
    Task task;
    task.brokers = brokers();
    task.topic = content_.topic;
    task.backend = GetParam().backend;
    task.location = task.backend == Backend::kSqlite
                        ? (directory_ / "bench.db").string()
                        : kinbox::testing::PostgresService::get().uri();
    task.workers = GetParam().workers;
    task.records = content_.records;
    return task;
  }

  const kinbox::testing::TemporaryDirectory directory_;
  // More than one batch, duplicates within and across them.
  TopicContent content_{.topic = {}, .partitions = 4, .records = 1'200, .repeat_every = 10};
};

TEST_P(BenchContender, StoresEachEventOnce) {
  const auto time = run_once(GetParam().contender, task(), content_.distinct());
  EXPECT_GT(time.seconds, 0);
  EXPECT_GE(time.cpu_seconds, 0);
}

INSTANTIATE_TEST_SUITE_P(All, BenchContender, ::testing::ValuesIn(all_cases()), name_of);

using BenchResult = BenchContender;

TEST_P(BenchResult, AMissingEventIsReported) {
  EXPECT_THAT([&] { run_once(GetParam().contender, task(), content_.distinct() + 1); },
              ::testing::ThrowsMessage<std::runtime_error>(::testing::HasSubstr("business rows")));
}

INSTANTIATE_TEST_SUITE_P(One, BenchResult, ::testing::Values(all_cases().front()), name_of);

}  // namespace
}  // namespace kinbox::bench

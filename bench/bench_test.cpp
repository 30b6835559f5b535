// What the contenders store, never how fast they are.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "orders.hpp"
#include "run_passes.hpp"
#include "support/kafka.hpp"
#include "support/services.hpp"
#include "support/temporary_directory.hpp"
#include "support/unique_name.hpp"
#include "topic.hpp"

namespace kinbox::bench {
namespace {

using ::testing::HasSubstr;
using ::testing::SizeIs;
using ::testing::ThrowsMessage;

TEST(BenchOrders, AnOrderIsAlwaysTheSameAndReadsBack) {
  const auto json = order_json(7);
  EXPECT_EQ(json, order_json(7));
  EXPECT_NEAR(static_cast<double>(json.size()), 200, 40);
  const auto order = parse_order(json);
  EXPECT_EQ(order.order_id, order_id(7));
  EXPECT_EQ(order.event_id.size(), 36U);
  EXPECT_TRUE(order.amount.ends_with(".50"));
  EXPECT_THAT(json, HasSubstr(R"("orderNumber":"2024-7")"));
  EXPECT_EQ(number_of("2024-7"), 7U);
  EXPECT_EQ(account_of("b-4321"), 321);
  EXPECT_NE(order.event_id, parse_order(order_json(8)).event_id);
}

TEST(BenchOrders, WhatIsNoOrderIsRefused) {
  EXPECT_THROW(parse_order("[1"), std::runtime_error);
  EXPECT_THROW(parse_order(R"({"eventId":"e"})"), std::runtime_error);
  for (const auto* number : {"", "7", "2024-", "2024-7x", "2023-7"})
    EXPECT_THROW(number_of(number), std::runtime_error) << number;
}

TEST(BenchClock, AFailedRunHasNoTime) {
  RunClock clock(10);
  clock.received();
  clock.fail(std::make_exception_ptr(std::runtime_error("gone")));
  clock.wait();
  EXPECT_TRUE(clock.over());
  EXPECT_THROW(clock.time(), std::runtime_error);
}

std::string name_of(const ::testing::TestParamInfo<Contender>& info) {
  return std::string(info.param.name) +
         (info.param.backend == Backend::kSqlite ? "_sqlite" : "_postgres");
}

class BenchContender : public ::testing::TestWithParam<Contender> {
 protected:
  void SetUp() override {
    KINBOX_REQUIRE_KAFKA();
    if (GetParam().backend == Backend::kPostgres) {
      KINBOX_REQUIRE_POSTGRES();
    }
    content_.topic = kinbox::testing::unique_name("bench");
    if (GetParam().name == "per_message") content_.records = 100;
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
    task.workers = task.backend == Backend::kSqlite ? 1 : 2;
    task.records = content_.records;
    return task;
  }

  const kinbox::testing::TemporaryDirectory directory_;
  // More than one batch, duplicates within and across them.
  TopicContent content_{.topic = {}, .partitions = 4, .records = 1'200, .repeat_every = 10};
};

TEST_P(BenchContender, StoresEachEventOnceAndDuplicatesNever) {
  const auto times = run_passes(GetParam(), task(), content_.distinct(), 2);
  EXPECT_THAT(times, SizeIs(2));
  for (const auto& time : times) {
    EXPECT_GT(time.seconds, 0);
    EXPECT_GE(time.cpu_seconds, 0);
  }
}

INSTANTIATE_TEST_SUITE_P(All, BenchContender, ::testing::ValuesIn(all_contenders()), name_of);

using BenchResult = BenchContender;

TEST_P(BenchResult, AMissingEventIsReported) {
  EXPECT_THAT([&] { run_passes(GetParam(), task(), content_.distinct() + 1); },
              ThrowsMessage<std::runtime_error>(HasSubstr("business effects")));
}

INSTANTIATE_TEST_SUITE_P(One, BenchResult, ::testing::Values(all_contenders().front()), name_of);

/// The loops that are written by hand must take as much care as kinbox, or they are no yardsticks.
using BenchLoop = BenchContender;

TEST_P(BenchLoop, OfOneIdWithTwoContentsIsReported) {
  auto changed = order_json(0);
  changed.replace(changed.find("b-"), 2, "x-");
  kinbox::testing::produce(
      brokers(), std::vector{kinbox::testing::text_record(content_.topic, 0, std::move(changed))});
  auto one = task();
  ++one.records;
  EXPECT_THAT([&] { run_passes(GetParam(), one, content_.distinct()); },
              ThrowsMessage<std::runtime_error>(HasSubstr("came with two contents")));
}

std::vector<Contender> hand_written() {
  std::vector<Contender> loops;
  for (const auto& contender : all_contenders())
    if (!contender.name.starts_with("kinbox")) loops.push_back(contender);
  return loops;
}

INSTANTIATE_TEST_SUITE_P(All, BenchLoop, ::testing::ValuesIn(hand_written()), name_of);

}  // namespace
}  // namespace kinbox::bench

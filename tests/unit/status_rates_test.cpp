#include <gmock/gmock.h>

#include "cli/status/rates.hpp"

namespace kinbox::cli {
namespace {

using ::testing::IsEmpty;

std::vector<PartitionReport> at(Offset offset) {
  PartitionReport report;
  report.consumer = "orders";
  report.partition = {"t", 0};
  report.next_offset = offset;
  return {report};
}

TEST(Rates, AreRecordsPerSecondBetweenTwoLooks) {
  Rates rates;
  const Rates::Clock::time_point start{};
  EXPECT_THAT(rates.look(at(100), start), IsEmpty());
  const auto second = rates.look(at(105), start + std::chrono::seconds{2});
  ASSERT_EQ(second.size(), 1U);
  EXPECT_EQ(second.begin()->second, 2.5);
  EXPECT_EQ(rates.look(at(105), start + std::chrono::seconds{3}).begin()->second, 0);
}

TEST(Rates, OfAPositionThatWentBackIsNotKnown) {
  Rates rates;
  const Rates::Clock::time_point start{};
  rates.look(at(100), start);
  EXPECT_THAT(rates.look(at(50), start + std::chrono::seconds{1}), IsEmpty());
  EXPECT_THAT(rates.look({}, start + std::chrono::seconds{2}), IsEmpty());
  EXPECT_THAT(rates.look(at(50), start + std::chrono::seconds{3}), IsEmpty());
}

}  // namespace
}  // namespace kinbox::cli

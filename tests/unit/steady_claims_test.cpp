#include "core/steady_claims.hpp"

#include <gtest/gtest.h>

namespace kinbox {
namespace {

class SteadyClaimsTest : public ::testing::Test {
 protected:
  SteadyClaimsTest() { claims_.begin("1", start_); }

  bool holds(const TopicPartition& partition, std::int64_t taking, std::int64_t control_version) {
    PartitionClaim claim;
    claim.epoch = 5;
    claim.taking = taking;
    claim.control_version = control_version;
    return claims_.holds(partition, claim);
  }

  const SteadyClaims::TimePoint start_ = std::chrono::steady_clock::now();
  SteadyClaims claims_;
  const TopicPartition p0_{"orders", 0};
  const TopicPartition p1_{"orders", 1};
};

TEST_F(SteadyClaimsTest, HoldFromTheirSecondBatchOn) {
  EXPECT_FALSE(holds(p0_, 3, 7));
  EXPECT_TRUE(holds(p0_, 3, 7));
  EXPECT_FALSE(holds(p1_, 3, 7)) << "another one";
  EXPECT_TRUE(holds(p1_, 3, 7));
}

TEST_F(SteadyClaimsTest, DoNotHoldOnceSomebodyTookThePartitionOrChangedItsRows) {
  holds(p0_, 3, 7);
  EXPECT_FALSE(holds(p0_, 4, 7));
  EXPECT_FALSE(holds(p0_, 4, 8));
  EXPECT_TRUE(holds(p0_, 4, 8));
}

TEST_F(SteadyClaimsTest, DoNotHoldOverAnotherSession) {
  holds(p0_, 3, 7);
  claims_.begin("1", start_);
  EXPECT_TRUE(holds(p0_, 3, 7));
  claims_.begin("2", start_);
  EXPECT_FALSE(holds(p0_, 3, 7));
  EXPECT_TRUE(holds(p0_, 3, 7));
}

TEST_F(SteadyClaimsTest, DoNotHoldForWhoeverComesBackAfterALongTime) {
  holds(p0_, 3, 7);
  claims_.begin("1", start_ + std::chrono::seconds{60});
  EXPECT_TRUE(holds(p0_, 3, 7));
  claims_.begin("1", start_ + std::chrono::seconds{121});
  EXPECT_FALSE(holds(p0_, 3, 7));
}

}  // namespace
}  // namespace kinbox

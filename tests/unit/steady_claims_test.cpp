#include "core/steady_claims.hpp"

#include <gtest/gtest.h>

namespace kinbox {
namespace {

class SteadyClaimsTest : public ::testing::Test {
 protected:
  SteadyClaimsTest() { claims_.begin("1"); }

  bool holds(const TopicPartition& partition, std::int64_t epoch, std::int64_t control_version) {
    PartitionClaim claim;
    claim.epoch = epoch;
    claim.control_version = control_version;
    return claims_.holds(partition, claim);
  }

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
  claims_.begin("1");
  EXPECT_TRUE(holds(p0_, 3, 7));
  claims_.begin("2");
  EXPECT_FALSE(holds(p0_, 3, 7));
  EXPECT_TRUE(holds(p0_, 3, 7));
}

}  // namespace
}  // namespace kinbox

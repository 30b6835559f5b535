#include "core/minor_units.hpp"

#include <gtest/gtest.h>

#include <limits>
#include <string>

namespace kinbox::testing {
namespace {

TEST(MinorUnits, AreTheNumberWithItsPointMoved) {
  EXPECT_EQ(minor_units("129.90", 2), 12990);
  EXPECT_EQ(minor_units("12.5", 2), 1250);
  EXPECT_EQ(minor_units("7", 2), 700);
  EXPECT_EQ(minor_units("0.01", 2), 1);
  EXPECT_EQ(minor_units("-0.05", 2), -5);
  EXPECT_EQ(minor_units("7", 0), 7);
  EXPECT_EQ(minor_units("1.234", 3), 1234);
}

TEST(MinorUnits, OfNothingAreNothing) {
  for (const char* zero : {"0", "0.00", "-0", "0e9", "0.000000000000000000000000000000000000e-9"})
    EXPECT_EQ(minor_units(zero, 2), 0) << zero;
}

TEST(MinorUnits, MindNoZerosAtTheEnd) {
  EXPECT_EQ(minor_units("12.5000", 2), 1250);
  EXPECT_EQ(minor_units("1." + std::string(10'000, '0'), 2), 100);
}

TEST(MinorUnits, UnderstandExponents) {
  EXPECT_EQ(minor_units("1.299e2", 2), 12990);
  EXPECT_EQ(minor_units("1E+3", 2), 100000);
  EXPECT_EQ(minor_units("12990e-2", 2), 12990);
  EXPECT_EQ(minor_units("0.0001e4", 2), 100);
  EXPECT_EQ(minor_units("100e-4", 2), 1);
}

TEST(MinorUnits, AreRefusedWhereSomethingWouldBeLost) {
  for (const char* lossy : {"0.001", "12.505", "1e-3", "1e-2147483648", "-0.009",
                            "1e-99999999999999999999", "1e99999999999999999999", "1e2147483647"})
    EXPECT_EQ(minor_units(lossy, 2), std::nullopt) << lossy;
}

TEST(MinorUnits, ReachFromEndToEndOf64Bits) {
  EXPECT_EQ(minor_units("92233720368547758.07", 2), std::numeric_limits<std::int64_t>::max());
  EXPECT_EQ(minor_units("-92233720368547758.08", 2), std::numeric_limits<std::int64_t>::min());
  EXPECT_EQ(minor_units("92233720368547758.08", 2), std::nullopt);
  EXPECT_EQ(minor_units("-92233720368547758.09", 2), std::nullopt);
  EXPECT_EQ(minor_units("1e18", 2), std::nullopt);
}

}  // namespace
}  // namespace kinbox::testing

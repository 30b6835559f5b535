#include "core/known_stream.hpp"

#include <gtest/gtest.h>

namespace kinbox {
namespace {

TEST(KnownStream, LooksFirstWhereMostWereKnown) {
  KnownStream stream;
  EXPECT_FALSE(stream.look_first());
  stream.committed(2, 4);
  EXPECT_FALSE(stream.look_first());
  stream.committed(3, 4);
  EXPECT_TRUE(stream.look_first());
  EXPECT_EQ(stream.reach(), 1U);
}

TEST(KnownStream, ReachesFurtherWhileAllAreKnown) {
  KnownStream stream;
  for (const std::size_t reach : {2U, 4U, 4U}) {
    stream.committed(4, 4);
    EXPECT_EQ(stream.reach(), reach);
  }
  stream.met_new();
  EXPECT_EQ(stream.reach(), 1U);
  EXPECT_TRUE(stream.look_first()) << "most may be known still";
  stream.committed(4, 4);
  stream.committed(3, 4);
  EXPECT_EQ(stream.reach(), 1U);
}

}  // namespace
}  // namespace kinbox

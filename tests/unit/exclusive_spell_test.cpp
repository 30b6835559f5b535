// How long a worker's batches run alone after a deadlock.
#include "core/exclusive_spell.hpp"

#include <gtest/gtest.h>

namespace kinbox {
namespace {

using namespace std::chrono_literals;

class ExclusiveSpellTest : public ::testing::Test {
 protected:
  ExclusiveSpell::TimePoint now{1000h};
  ExclusiveSpell spell;

  /// How long it lasts from now.
  std::chrono::seconds length() const {
    std::chrono::seconds length{0};
    while (spell.active(now + length)) ++length;
    return length;
  }
};

TEST_F(ExclusiveSpellTest, BeginsWithTheFirstDeadlock) {
  EXPECT_FALSE(spell.active(now));
  spell.deadlocked(now);
  EXPECT_TRUE(spell.active(now));
  EXPECT_EQ(length(), 15s);
}

TEST_F(ExclusiveSpellTest, IsFollowedByALongerOneWhenADeadlockFollowsSoon) {
  spell.deadlocked(now);
  now += 20s;
  EXPECT_FALSE(spell.active(now));
  spell.deadlocked(now);
  EXPECT_EQ(length(), 60s);
}

TEST_F(ExclusiveSpellTest, HasALongestLength) {
  for (int i = 0; i < 10; ++i) spell.deadlocked(now += length() + 1s);
  EXPECT_EQ(length(), 900s);
}

TEST_F(ExclusiveSpellTest, EndsWhenItIsOfNoUse) {
  spell.deadlocked(now);
  spell.end(now);
  EXPECT_FALSE(spell.active(now));
  spell.end(now + 1h);
  EXPECT_FALSE(spell.active(now));
}

TEST_F(ExclusiveSpellTest, IsShortAgainAfterAQuietTime) {
  spell.deadlocked(now);
  spell.deadlocked(now += 20s);
  spell.deadlocked(now += 10min);
  EXPECT_EQ(length(), 15s);
}

}  // namespace
}  // namespace kinbox

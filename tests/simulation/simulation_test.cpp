// The promise under schedules nobody would think of: one number decides what happens, and when.
#include <gtest/gtest.h>

#include <chrono>
#include <cstdlib>
#include <iostream>
#include <random>

#include "simulation/fiber.hpp"
#include "simulation/schedule.hpp"

namespace kinbox::simulation {
namespace {

constexpr const char* kSeed = "KINBOX_SIMULATION_SEED";
constexpr const char* kFirst = "KINBOX_SIMULATION_FIRST";
constexpr const char* kSeeds = "KINBOX_SIMULATION_SEEDS";

std::uint64_t number_from(const char* name, std::uint64_t otherwise) {
  const char* text = std::getenv(name);
  return text == nullptr ? otherwise : std::stoull(text);
}

std::string joined(const std::vector<std::string>& lines) {
  std::string text;
  for (const auto& line : lines) text += "\n  " + line;
  return text;
}

std::string broken(std::uint64_t seed, const Outcome& outcome) {
  return "seed " + std::to_string(seed) + ':' + joined(outcome.complaints) + "\nreplay: " + kSeed +
         '=' + std::to_string(seed) +
         " build/dev/tests/kinbox_simulation_tests --gtest_filter='*Schedule*'";
}

constexpr std::uint64_t kShards = 4;

/// Every fourth seed: four tests that may run side by side.
class Simulation : public ::testing::TestWithParam<std::uint64_t> {
 protected:
  Simulation() { stay_on_one_processor(GetParam()); }
};
INSTANTIATE_TEST_SUITE_P(Shard, Simulation, ::testing::Range<std::uint64_t>(0, kShards));

TEST_P(Simulation, KeepsThePromiseUnderEverySchedule) {
  Store store;
  if (const auto seed = number_from(kSeed, 0); seed != 0) {
    if (seed % kShards != GetParam()) return;
    const auto outcome = simulate(store, seed, &std::cout);
    ASSERT_TRUE(outcome.complaints.empty()) << broken(seed, outcome);
    return;
  }
  const auto first = number_from(kFirst, 1);
  const auto end = first + number_from(kSeeds, 3000);
  std::uint64_t count = 0;
  for (auto seed = first; seed < end; ++seed) {
    if (seed % kShards != GetParam()) continue;
    const auto outcome = simulate(store, seed);
    ASSERT_TRUE(outcome.complaints.empty()) << broken(seed, outcome);
    ++count;
  }
  std::cout << count << " seeds kept the promise\n";
}

TEST(SimulationItself, RunsASeedTheSameWayTwice) {
  stay_on_one_processor(0);
  Store store;
  for (std::uint64_t seed = 1; seed <= 20; ++seed)
    EXPECT_EQ(simulate(store, seed).trace, simulate(store, seed).trace) << seed;
}

TEST(SimulationItself, RunsOtherSeedsOtherWays) {
  Store store;
  EXPECT_NE(simulate(store, 1).trace, simulate(store, 2).trace);
}

TEST(SimulationItself, TheDatabasesClockIsVirtualToo) {
  VirtualTime time(1);
  Store store;
  const auto seconds = [&] {
    const auto tx = store.database().begin();
    return tx->query("SELECT CAST(strftime('%s', 'now') AS INTEGER)")[0].get<std::int64_t>(0);
  };
  const auto before = seconds();
  time.advance(std::chrono::hours{1});
  EXPECT_EQ(seconds(), before + 3600);
}

TEST(SimulationItself, CostsNoRealTimeForVirtualTime) {
  const VirtualTime time(1);
  const auto before = std::chrono::steady_clock::now();
  std::random_device entropy;
  const auto drawn = entropy();
  const VirtualTime again(1);
  EXPECT_LT(std::chrono::steady_clock::now() - before, std::chrono::seconds{1});
  EXPECT_EQ(std::random_device{}(), drawn);
}

}  // namespace
}  // namespace kinbox::simulation

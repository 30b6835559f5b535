#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <csignal>
#include <regex>
#include <sstream>

#include "cli/config/load.hpp"
#include "cli/run/prepare_database.hpp"
#include "kinbox/errors.hpp"
#include "kinbox/sqlite/database.hpp"
#include "kinbox/testing/fault_database.hpp"
#include "kinbox/testing/scripted_log.hpp"
#include "kinbox/worker.hpp"

namespace kinbox::testing {
namespace {

using std::chrono::milliseconds;

constexpr int kProcesses = 100;

/// When everything that reconnects does so within `bound` of a common failure: how many land in
/// each quarter of it. Without jitter all are in the last.
std::array<int, 4> quarters(const std::vector<milliseconds>& delays, milliseconds bound) {
  std::array<int, 4> counts{};
  for (const auto delay : delays)
    ++counts.at(static_cast<std::size_t>(std::min<std::int64_t>(3, delay * 4 / bound)));
  return counts;
}

/// Of 100 uniform draws a quarter gets 25; fewer than 5 once in ten million runs.
MATCHER(AreSpread, "reach each quarter of the time") {
  return std::all_of(arg.begin(), arg.end(), [](int count) { return count >= 5; });
}

/// Stops the worker at the first notice that the database is away, and keeps the delay.
class FirstDelay : public Observer {
 public:
  void on_notice(const Notice& notice) override {
    const auto* away = std::get_if<notice::Unavailable>(&notice);
    if (away == nullptr) return;
    delay = away->retry_in;
    worker->stop();
  }
  Worker* worker = nullptr;
  milliseconds delay{-1};
};

TEST(ReconnectJitter, WorkersThatLostTheirDatabaseTogetherComeBackSpreadOut) {
  constexpr milliseconds kBound{10'000};
  std::vector<milliseconds> delays;
  for (int i = 0; i < kProcesses; ++i) {
    ScriptedLog log;
    FirstDelay observer;
    WorkerOptions options;
    options.infrastructure = {.max_attempts = 0, .first_delay = kBound, .max_delay = kBound};
    auto away = with_faults(sqlite::open({.path = ":memory:"}),
                            [](FaultPoint) { throw InfrastructureError("restarting"); });
    ConsumerSpec consumer;
    consumer.name = "orders";
    consumer.topics = {"t"};
    Worker worker(consumer, options, log.member(), std::move(away), observer);
    observer.worker = &worker;
    worker.run({}, milliseconds{0});
    delays.push_back(observer.delay);
  }
  EXPECT_THAT(quarters(delays, kBound), AreSpread());
}

TEST(ReconnectJitter, ProcessesThatStartBeforeTheirDatabaseComeBackSpreadOut) {
  const auto config = cli::parse_config(
      "kafka: {bootstrap.servers: 'b:1'}\ndatabase: {sqlite: k.db}\n"
      "consumers: [{name: c, topics: [t], handlers: [h]}]",
      "kinbox.yaml", {});
  std::ostringstream lines;
  observe::Log log({}, lines);
  for (int i = 0; i < kProcesses; ++i) {
    cli::StopSignals signals;
    // The wait that follows ends at once.
    const auto away = []() -> std::unique_ptr<Database> {
      raise(SIGTERM);
      throw InfrastructureError("restarting");
    };
    EXPECT_FALSE(cli::prepare_database(config, {}, away, cli::Patience::kForEver, signals, log));
  }
  std::vector<milliseconds> delays;
  const auto text = lines.str();
  const std::regex delay("trying again in ([0-9]+)ms");
  for (std::sregex_iterator found(text.begin(), text.end(), delay), end; found != end; ++found)
    delays.emplace_back(std::stol((*found)[1]));
  ASSERT_EQ(delays.size(), static_cast<std::size_t>(kProcesses)) << text;
  EXPECT_THAT(quarters(delays, milliseconds{500}), AreSpread());
}

}  // namespace
}  // namespace kinbox::testing

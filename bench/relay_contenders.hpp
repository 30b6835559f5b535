#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "run_clock.hpp"

namespace kinbox::bench {

/// One run of one relay: all events of an outbox on PostgreSQL to a topic.
struct RelayTask {
  std::string brokers;
  /// Must not exist.
  std::string topic;
  /// URI of a superuser.
  std::string postgres;
  std::int64_t events = 0;
  /// Of how many keys they are, in turns.
  std::int64_t keys = 10'000;
  /// Where the outbox is; set by run_relay.
  std::string schema = {};
};

/// One way to carry them. `run` returns when all are marked as sent or the clock was told of a
/// failure.
struct RelayContender {
  std::string_view name;
  void (*run)(const RelayTask&, RunClock&);
};

/// kinbox's OutboxRelay: leased lanes, one event of a key under way.
void relay_with_kinbox(const RelayTask& task, RunClock& clock);
/// What is written by hand where one relay is enough: SELECT a batch, produce it, wait until the
/// broker has all of it, UPDATE, COMMIT.
void relay_by_hand(const RelayTask& task, RunClock& clock);

std::span<const RelayContender> all_relay_contenders();

/// Fills an outbox, lets the contender carry it, and checks that every row is marked and the topic
/// holds each event once; throws std::runtime_error otherwise.
RunTime run_relay(const RelayContender& contender, RelayTask task);

}  // namespace kinbox::bench

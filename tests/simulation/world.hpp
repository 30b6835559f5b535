#pragma once

#include <cstdint>
#include <map>
#include <ostream>
#include <string>
#include <vector>

#include "kinbox/database.hpp"
#include "kinbox/testing/scripted_log.hpp"
#include "simulation/dice.hpp"
#include "simulation/story.hpp"
#include "simulation/virtual_time.hpp"

namespace kinbox::simulation {

/// How often faults strike: once in that many occasions; never, for 0.
struct Rates {
  std::size_t strike = 0;
  std::size_t crash = 0;
  std::size_t tell_lost = 0;
};

/// One database in memory for all seeds: making tables anew would cost more than a seed's run.
/// Every member has a connection of its own, and they are one underneath: nobody is ever between
/// begin and commit while another one runs, as SQLite has it anyway.
class Store {
 public:
  Store();
  void wipe();
  Database& database() { return *database_; }
  std::unique_ptr<Database> connection();

 private:
  void script(const std::string& text);

  std::unique_ptr<Database> database_;
};

/// What the members of one run share.
struct World {
  World(Store& shared, std::uint64_t world_seed, std::ostream* trace_to);

  /// Goes into the trace; two runs are the same if their traces are.
  void note(std::string_view what, int member, std::int64_t detail = 0);
  void complain(std::string what);

  /// A member tells Kafka: no more than what is committed, and that never goes back.
  void check_told(const PartitionOffset& told);
  Offset next_offset(const TopicPartition& partition);
  /// Events that are parked.
  std::int64_t waiting();

  Store& store;
  VirtualTime time;
  Dice dice;
  std::uint64_t trace = 14695981039346656037U;
  std::ostream* trace_out;
  std::vector<std::string> complaints;
  Rates rates;
  testing::ScriptedLog log;
  Story story;
  WorkerOptions options;
  std::map<TopicPartition, Offset> highest;
};

}  // namespace kinbox::simulation

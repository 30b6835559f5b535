#pragma once

#include <cstdint>
#include <iosfwd>
#include <memory>
#include <string>
#include <vector>

#include "simulation/member.hpp"
#include "simulation/operators.hpp"
#include "simulation/oracle.hpp"
#include "simulation/world.hpp"

namespace kinbox::simulation {

struct Outcome {
  /// Empty if the promise was kept.
  std::vector<std::string> complaints;
  /// Equal for equal runs.
  std::uint64_t trace = 0;
};

/// One seed: what happens to a group of members, in which order, until all is consumed.
///
/// Plays Kafka's coordinator, also one that believes a living member dead.
class Schedule {
 public:
  Schedule(Store& store, std::uint64_t seed, std::ostream* trace);

  Outcome run();

 private:
  /// Who has a partition in Kafka's eyes.
  struct Seat {
    TopicPartition partition;
    std::shared_ptr<Member> owner;
    /// Was told to let go in order; the next owner waits for it.
    std::shared_ptr<Member> leaving;
  };
  struct Ghost {
    TopicPartition partition;
    std::shared_ptr<Member> member;
  };

  void step();
  void happen();
  void run_somebody();
  void hire();
  void dismiss(bool orderly);
  void move_orderly();
  void move_behind_its_back();
  void exorcise(std::size_t index);
  void exorcise_someone();
  void seat_orphans(bool all);
  void seat(Seat& seat, const std::shared_ptr<Member>& member);
  void step_back();
  void lose_told();
  void come_to_rest();
  bool is_consumed();
  /// What is still to be done.
  std::string unrest();
  void bury_the_dead();
  std::shared_ptr<Member> anybody();

  World world_;
  Oracle oracle_;
  Operators operators_;
  int hired_ = 0;
  std::vector<std::shared_ptr<Member>> members_;
  std::vector<Seat> seats_;
  std::vector<Ghost> ghosts_;
};

/// Runs `seed` from its beginning to its end.
Outcome simulate(Store& store, std::uint64_t seed, std::ostream* trace = nullptr);

}  // namespace kinbox::simulation

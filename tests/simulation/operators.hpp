#pragma once

#include <cstdint>

#include "simulation/world.hpp"

namespace kinbox::simulation {

/// People at the desk, with the shipped commands' own code: they try letters and parked events
/// again, discard and restore letters, let events go without their key, or make them letters. None
/// of it may change what becomes of an event that can be applied, and when it is their doing that
/// one is out of line, they say so in the table `out_of_line`.
class Operators {
 public:
  explicit Operators(World& world) : world_(world) {}

  /// Does something to some of what was set aside.
  void act();

  /// Everything that may be tried again is requested, what was discarded too: the last word about
  /// each letter is its handler's.
  void mend();

  /// Whether letters are still to be tried.
  bool wait();
  /// Whether all were, and those that can be applied are.
  bool is_done();

 private:
  void retry_letters();
  void discard_letters();
  void restore_letters();
  void retry_parked();
  void release();
  void bury();
  void put_out_of_line(std::int64_t parked_id, bool buried);
  World& world_;
};

}  // namespace kinbox::simulation

#pragma once

#include <atomic>
#include <string>
#include <thread>

namespace kinbox::testing {

/// Asks the group's coordinator all the time what it was told, and remembers if that ever went
/// back.
class CommittedOffsets {
 public:
  CommittedOffsets(const std::string& brokers, const std::string& group, const std::string& topic,
                   int partitions);
  ~CommittedOffsets();

  /// "TOPIC/PARTITION from A to B" per step back, a line each. Ends the asking.
  std::string steps_back();
  /// How often an offset was seen to move.
  int moves() const { return moves_; }

 private:
  void watch(const std::string& brokers, const std::string& group, const std::string& topic,
             int partitions);

  std::atomic<bool> over_{false};
  std::atomic<int> moves_{0};
  std::string steps_back_;
  std::thread thread_;
};

}  // namespace kinbox::testing

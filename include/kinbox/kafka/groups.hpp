#pragma once

#include <chrono>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "kinbox/kafka/settings.hpp"
#include "kinbox/source.hpp"

namespace kinbox::kafka {

/// What the brokers know of a consumer group.
struct GroupState {
  /// In the broker's words, "Empty" or "Stable"; "Dead" if there is no such group.
  std::string state;
  /// "client id at host", as far as the broker tells them.
  std::vector<std::string> members;

  /// Whether somebody is in it, or may be: only of "Empty" and "Dead" it is known that nobody is.
  bool is_empty() const { return members.empty() && (state == "Empty" || state == "Dead"); }
};

struct GroupOffset {
  Offset offset = 0;
  /// kinbox told it, not somebody else: Kafka's own commands leave no mark.
  bool ours = false;

  bool operator==(const GroupOffset&) const = default;
};

/// Looks at consumer groups from outside, and sets the offsets of those that are empty.
///
/// Every call waits `timeout` at most and throws InfrastructureError when no broker answered by
/// then, ConfigurationError when the broker refused. Not thread-safe.
class Groups {
 public:
  explicit Groups(const Settings& settings,
                  std::chrono::milliseconds timeout = std::chrono::seconds{15});
  ~Groups();

  GroupState state(const std::string& group);

  /// Of those `partitions` that have one.
  std::map<TopicPartition, GroupOffset> offsets(const std::string& group,
                                                std::span<const TopicPartition> partitions);

  /// Tells the group's coordinator, as kinbox. Refused while the group has members.
  void set_offsets(const std::string& group, std::span<const PartitionOffset> offsets);

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace kinbox::kafka

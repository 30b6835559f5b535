#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <string>
#include <utility>

#include "kinbox/progress.hpp"
#include "kinbox/source.hpp"

namespace kinbox {

/// Whether what was read of the inbox before may be used for a batch: no one else can have taken
/// rows away meanwhile without this batch's claims being missed.
///
/// Whoever does that takes the partition, or raises its control version; and one whose rows a
/// restored backup brought back has to be taken again. Over another session the database may be
/// another one. Only the pruner says nothing: an event that left the window may be known for as
/// long as batches come one after the other.
class SteadyClaims {
 public:
  using TimePoint = std::chrono::steady_clock::time_point;

  /// A batch over `session` begins. Forgets what held over another one, and long ago.
  void begin(const std::string& session, TimePoint now) {
    const bool long_ago = now - std::exchange(latest_, now) > std::chrono::minutes{1};
    if (std::exchange(session_, session) != session || long_ago) marks_.clear();
  }

  /// Whether `partition` was in a batch before with the claim that it has now, over this session.
  /// From now on this one counts.
  bool holds(const TopicPartition& partition, const PartitionClaim& claim) {
    const Mark mark{claim.taking, claim.control_version};
    const auto [known, is_first] = marks_.try_emplace(partition, mark);
    return !is_first && std::exchange(known->second, mark) == mark;
  }

 private:
  using Mark = std::pair<std::int64_t, std::int64_t>;

  std::string session_;
  TimePoint latest_{};
  std::map<TopicPartition, Mark> marks_;
};

}  // namespace kinbox

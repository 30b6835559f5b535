#pragma once

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
/// Whoever does that takes the partition, or raises its control version. Over another session the
/// database may be another one: it was brought back from a backup. Only the pruner says nothing: an
/// event that left the window may be known a little longer.
class SteadyClaims {
 public:
  /// A batch over `session` begins. Forgets what held over another one.
  void begin(const std::string& session) {
    if (std::exchange(session_, session) == session) return;
    marks_.clear();
  }

  /// Whether `partition` was in a batch before with the claim that it has now, over this session.
  /// From now on this one counts.
  bool holds(const TopicPartition& partition, const PartitionClaim& claim) {
    const Mark mark{claim.epoch, claim.control_version};
    const auto [known, is_first] = marks_.try_emplace(partition, mark);
    return !is_first && std::exchange(known->second, mark) == mark;
  }

 private:
  using Mark = std::pair<std::int64_t, std::int64_t>;

  std::string session_;
  std::map<TopicPartition, Mark> marks_;
};

}  // namespace kinbox

#pragma once

#include <map>
#include <span>
#include <string>

#include "core/replay/replay_events.hpp"
#include "core/replay/replay_plan.hpp"
#include "kinbox/database.hpp"
#include "kinbox/inbox.hpp"

namespace kinbox {

/// Counts what a replay would meet, and notes by which records the logs are known again. Changes
/// nothing.
class ReplaySurvey {
 public:
  /// `plan` has its partitions, and none of their counts. All references outlive this.
  ReplaySurvey(ReplayPlan& plan, const ReplayEvents& events, Database& database)
      : plan_(plan),
        events_(events),
        database_(database),
        inbox_(plan.consumer, database.dialect()) {
    for (auto& partition : plan_.partitions) partitions_[partition.slice.partition] = &partition;
  }

  /// Records of the plan's range. Throws InfrastructureError.
  void take(std::span<const Record> records);

 private:
  void mark(std::span<const Record> records);
  static std::int64_t ReplayCounts::*place_of(const ReplayPlan::Partition& partition,
                                              const Record& record,
                                              const std::optional<Inbox::Entry>& entry);

  ReplayPlan& plan_;
  const ReplayEvents& events_;
  Database& database_;
  Inbox inbox_;
  std::map<TopicPartition, ReplayPlan::Partition*> partitions_;
};

}  // namespace kinbox

#pragma once

#include <map>
#include <span>
#include <string>
#include <vector>

#include "core/inbox_reader.hpp"
#include "core/replay/replay_events.hpp"
#include "core/replay/replay_plan.hpp"
#include "core/side_thread.hpp"
#include "kinbox/database.hpp"

namespace kinbox {

/// Counts what a replay would meet, and notes by which records the logs are known again. Changes
/// nothing. Asks the database about some records while the next ones are read.
class ReplaySurvey {
 public:
  /// `plan` has its partitions, and none of their counts. All references outlive this; nobody else
  /// uses `database` or looks at the counts before finish().
  ReplaySurvey(ReplayPlan& plan, const ReplayEvents& events, Database& database)
      : plan_(plan),
        events_(events),
        database_(database),
        inbox_(plan.consumer, database.dialect(), InboxReader::Fingerprints::kWithout),
        counting_(kMostWaiting, [this](std::vector<Found> found) { count(std::move(found)); }) {
    for (auto& partition : plan_.partitions) partitions_[partition.slice.partition] = &partition;
    latest_ = partitions_.end();
  }

  /// Records of the plan's range; they need not outlive the call. Throws InfrastructureError, also
  /// on account of earlier ones.
  void take(std::span<const Record> records);

  /// Once, behind the last records: from then on all are counted.
  void finish() { counting_.finish(); }

 private:
  static constexpr std::size_t kMostWaiting = 16;

  using Count = std::int64_t ReplayCounts::*;

  /// A record that lies in the plan.
  struct Found {
    ReplayPlan::Partition* partition = nullptr;
    Offset offset = 0;
    /// Null: the event's verdict has to be asked for.
    Count count = nullptr;
    std::string event_id;
    const HandlerRegistry::Entry* handler = nullptr;
  };

  void mark(std::span<const Record> records);
  /// Null: it lies in none of the plan's.
  ReplayPlan::Partition* partition_of(const Record& record);
  std::vector<Found> find(std::span<const Record> records);
  void count(std::vector<Found> found);
  void ask(std::vector<Found>& found);
  static Count count_of(const Found& found, const std::optional<Inbox::Entry>& entry);

  ReplayPlan& plan_;
  const ReplayEvents& events_;
  Database& database_;
  InboxReader inbox_;
  std::map<TopicPartition, ReplayPlan::Partition*> partitions_;
  std::map<TopicPartition, ReplayPlan::Partition*>::iterator latest_;
  /// The last member: it uses the others.
  SideThread<std::vector<Found>> counting_;
};

}  // namespace kinbox

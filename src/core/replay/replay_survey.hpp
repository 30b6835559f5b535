#pragma once

#include <map>
#include <span>
#include <string>
#include <vector>

#include "core/inbox_reader.hpp"
#include "core/partition_lookup.hpp"
#include "core/replay/replay_events.hpp"
#include "core/replay/replay_plan.hpp"
#include "core/side_thread.hpp"
#include "kinbox/database.hpp"

namespace kinbox {

/// Counts what a replay would meet, and notes by which records the logs are known again. Changes
/// nothing. Three threads have a part in it: the caller's reads the logs, one decodes what was
/// read, and one asks the database about it.
class ReplaySurvey {
 public:
  /// `plan` has its partitions, and none of their counts. All references outlive this; nobody else
  /// uses them while some records are taken and not counted yet.
  ReplaySurvey(ReplayPlan& plan, const ReplayEvents& events, Database& database)
      : plan_(plan),
        events_(events),
        database_(database),
        inbox_(plan.consumer, database.dialect(), InboxReader::Fingerprints::kWithout),
        counting_(kMostWaiting, [this](Findings found) { count(std::move(found)); }),
        decoding_(kMostUndecoded, [this](std::vector<Record> records) { decode(records); }) {
    for (auto& partition : plan_.partitions) partitions_[partition.slice.partition] = &partition;
  }

  /// Records of the plan's range. Throws InfrastructureError, also on account of earlier ones.
  void take(std::vector<Record> records) { decoding_.add(std::move(records)); }

  /// Until all that was taken is counted. Throws like take().
  void finish() {
    decoding_.finish();
    counting_.finish();
  }

 private:
  static constexpr std::size_t kMostWaiting = 16;
  /// Of portions of records, which may be large.
  static constexpr std::size_t kMostUndecoded = 2;

  using Count = std::int64_t ReplayCounts::*;

  /// A record that lies in the plan.
  struct Found {
    ReplayPlan::Partition* partition = nullptr;
    Offset offset = 0;
    /// Null: the event's verdict has to be asked for.
    Count count = nullptr;
    std::size_t id_size = 0;
    const HandlerRegistry::Entry* handler = nullptr;
  };
  /// Of records that were read together.
  struct Findings {
    std::vector<Found> all;
    /// Of those whose verdict has to be asked for, one behind the other.
    std::string ids;
  };

  void decode(std::span<const Record> records);
  static void mark(ReplayPlan::Partition& partition, const Record& first, const Record& last);
  /// An id that has to be asked for goes behind `ids`.
  Found find(const Record& record, ReplayPlan::Partition& partition, std::string& ids) const;
  void count(Findings found);
  void ask(Findings& found);
  static Count count_of(const Found& found, const std::optional<Inbox::Entry>& entry);

  ReplayPlan& plan_;
  const ReplayEvents& events_;
  Database& database_;
  InboxReader inbox_;
  std::map<TopicPartition, ReplayPlan::Partition*> partitions_;
  PartitionLookup<ReplayPlan::Partition*> lookup_{partitions_};
  // The last members: they use the others, and the one that decodes the one that counts.
  SideThread<Findings> counting_;
  SideThread<std::vector<Record>> decoding_;
};

}  // namespace kinbox

#pragma once

#include <chrono>
#include <map>
#include <span>
#include <string>

#include "core/retention/inbox_walk.hpp"
#include "core/retention/pace.hpp"
#include "kinbox/retention.hpp"

namespace kinbox {

/// A consumer's inbox: see Pruner.
class InboxPrune {
 public:
  InboxPrune(Database& database, std::string consumer, std::chrono::milliseconds window,
             const PruneOptions& options);

  void run(Pace& pace, Pruner::Report& report);
  void preview(Pruner::Report& report);

 private:
  /// A partition as it is now.
  struct Standing {
    Offset next_offset = 0;
    Offset floor = 0;
    /// Rows below it may have been pruned already.
    Offset pruned_below = 0;
  };

  template <typename Visit>
  void walk(bool go_on, const std::stop_token& stop, Visit visit);
  DueInbox due();
  std::optional<Standing> standing(OpenTransaction& tx, const TopicPartition& partition) const;
  void remove(Pace& pace, const TopicPartition& partition, const std::vector<DueRow>& rows);
  std::int64_t remove(OpenTransaction& tx, const TopicPartition& partition,
                      std::span<const DueRow> rows, std::span<const DueRow> all);
  PrunedRows& found(const TopicPartition& partition);
  void put(Pruner::Report& report) const;

  Database& database_;
  std::string consumer_;
  std::chrono::milliseconds window_;
  const PruneOptions& options_;
  std::string before_;
  std::string standing_;
  std::string raise_;
  std::string delete_;
  std::string keep_place_;
  std::int64_t due_before_ = 0;
  std::map<TopicPartition, PrunedRows> found_;
};

}  // namespace kinbox

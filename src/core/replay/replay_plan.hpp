#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "kinbox/replay.hpp"

namespace kinbox {

/// How many records of a range are what.
struct ReplayCounts {
  std::int64_t in_range = 0;
  /// Of those: the filter leaves them out.
  std::int64_t outside = 0;
  std::int64_t applied = 0;
  std::int64_t dead = 0;
  std::int64_t parked = 0;
  std::int64_t skipped = 0;
  /// No verdict, where every event that ran has one: a gap to fill.
  std::int64_t never_seen = 0;
  /// No verdict, where that says nothing: before the consumer began, or pruned.
  std::int64_t unknown = 0;
  std::int64_t undecodable = 0;
  /// No handler takes their type, or they are too old.
  std::int64_t unhandled = 0;

  ReplayCounts& operator+=(const ReplayCounts& other) noexcept;
  bool operator==(const ReplayCounts&) const = default;
};

/// A record of a log by which the log is known again where topics have no ids.
struct RecordMark {
  Offset offset = 0;
  std::string checksum;

  static RecordMark of(const Record& record);
  bool operator==(const RecordMark&) const = default;
};

/// What a replay would do, and the world it was planned in. Kept as a file, which whoever applies
/// it has not changed: it carries a hash of itself.
struct ReplayPlan {
  struct Partition {
    ReplaySlice slice;
    std::string topic_id;
    /// What Kafka held, and where the consumer stood.
    Offset log_start = 0;
    Offset log_end = 0;
    Offset live_position = 0;
    /// Below it a missing verdict says nothing.
    Offset trusted_from = 0;
    /// Offsets that were asked for, and that retention has deleted.
    std::int64_t gone = 0;
    /// The first and the last record that were read.
    std::vector<RecordMark> marks;
    ReplayCounts counts;

    bool operator==(const Partition&) const = default;
  };
  struct HandlerInfo {
    std::string name;
    std::vector<std::string> event_types;
    bool reprocessable = false;
    bool order_independent = false;

    bool operator==(const HandlerInfo&) const = default;
  };

  std::string consumer;
  std::string group;
  std::string cluster;
  Timestamp created{};
  ReplayMode mode = ReplayMode::kFill;
  ReplayFilter filter;
  /// It goes on to the live position, wherever that is when it is applied.
  bool to_live_position = false;
  /// Component and version.
  std::map<std::string, int> schema;
  std::vector<HandlerInfo> handlers;
  std::vector<Partition> partitions;
  /// By handler.
  std::map<std::string, ReplayCounts> by_handler;

  ReplayCounts total() const;
  bool operator==(const ReplayPlan&) const = default;
};

/// As it stands in its file: indented JSON with the hash.
std::string to_text(const ReplayPlan& plan);
/// 32 hex digits: XXH3-128 of the plan without its hash, as compact JSON with sorted members.
std::string hash_of(const ReplayPlan& plan);
/// Throws Error on what is no plan, and on one that was changed since it was written.
ReplayPlan read_plan(std::string_view text);

/// What stands in `replays.plan`.
std::string to_text(const ReplayPlan& plan, const ReplayChoices& choices);
struct RecordedPlan {
  ReplayPlan plan;
  ReplayChoices choices;
};
RecordedPlan read_recorded_plan(std::string_view text);

}  // namespace kinbox

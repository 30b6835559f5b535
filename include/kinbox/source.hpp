#pragma once

#include <chrono>
#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "kinbox/record.hpp"

namespace kinbox {

struct PartitionOffset {
  TopicPartition partition;
  Offset offset = 0;

  bool operator==(const PartitionOffset&) const = default;
};

/// How a partition was taken away.
enum class Revocation {
  /// In order: nobody else has it yet.
  kOrderly,
  /// Too late: somebody else may own it already. Nothing may be told to Kafka for it.
  kLost,
};

/// Who must know when partitions come and go. Called from inside Source::poll and Source::close, on
/// their caller's thread.
class AssignmentListener {
 public:
  virtual ~AssignmentListener() = default;

  /// `partitions` are ours now. Answers, in the same order, where to start each; nullopt keeps a
  /// partition without fetching it until `Source::start_at`. Must not throw.
  virtual std::vector<std::optional<Offset>> on_assigned(
      std::span<const TopicPartition> partitions) = 0;

  /// `partitions` are no longer ours. Nothing of them may be dispatched after this call. Must not
  /// throw.
  virtual void on_revoked(std::span<const TopicPartition> partitions, Revocation how) = 0;
};

/// How much one poll may bring.
struct PollBudget {
  std::size_t max_records = 500;
  /// Bytes of keys, values and headers; one record may exceed it (it comes alone then).
  std::size_t max_bytes = std::size_t{16} << 20;
  /// Longest wait for the first record.
  std::chrono::milliseconds max_wait{100};
};

/// The log no longer holds (or not yet) the offset we asked for.
struct OutOfRange {
  TopicPartition partition;
  Offset asked = 0;
};

struct Polled {
  /// In log order per partition. Offsets may step back within an assignment.
  std::vector<Record> records;
  /// Partitions that stopped fetching because of it; they go on after `start_at`.
  std::vector<OutOfRange> out_of_range;
};

struct LogRange {
  /// Oldest offset still there.
  Offset start = 0;
  /// One past the newest.
  Offset end = 0;
};

/// Where records come from: Kafka, or a script.
///
/// One thread at a time makes all calls. Methods that ask the broker throw InfrastructureError when
/// it does not answer in time.
class Source {
 public:
  virtual ~Source() = default;

  /// Joins the group. `listener` must outlive this source or its `close`.
  virtual void subscribe(AssignmentListener& listener) = 0;

  /// Serves assignment callbacks and brings records of partitions that were started and are not
  /// paused. Throws FatalSourceError when this member can never go on.
  virtual Polled poll(const PollBudget& budget) = 0;

  /// Fetches an assigned partition from `offset` on, wherever it was before.
  virtual void start_at(const TopicPartition& partition, Offset offset) = 0;
  /// Records already delivered stay valid; after `resume` it goes on behind the last delivered one.
  virtual void pause(const TopicPartition& partition) = 0;
  /// Only for what `pause` stopped.
  virtual void resume(const TopicPartition& partition) = 0;

  /// Tells the group's coordinator how far we are. A hint for lag tools: asynchronous, the newest
  /// wins, failures are counted and otherwise ignored.
  virtual void tell(std::span<const PartitionOffset> positions) = 0;

  /// What the coordinator was told last; nullopt if nothing.
  virtual std::optional<Offset> told(const TopicPartition& partition) = 0;
  virtual LogRange log_range(const TopicPartition& partition) = 0;
  /// Offset of the first record at or after `time`; the log's end if there is none.
  virtual Offset offset_at(const TopicPartition& partition, Timestamp time) = 0;

  /// Whether the end of the partition's log was reached by the last poll.
  virtual bool at_end(const TopicPartition& partition) const = 0;

  /// Identity of the topic that bears this name now: one that is deleted and created anew gets
  /// another. Empty where it cannot be told (old client, old broker, no such topic).
  virtual std::string topic_id(const std::string& topic) = 0;

  /// Identity of the cluster; empty where it has none.
  virtual std::string cluster_id() = 0;

  /// Leaves the group, telling what was not told yet, and returns by `deadline` at the latest.
  virtual void close(std::chrono::steady_clock::time_point deadline) = 0;
};

}  // namespace kinbox

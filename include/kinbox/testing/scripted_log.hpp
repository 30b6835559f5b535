#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "kinbox/record.hpp"
#include "kinbox/source.hpp"

namespace kinbox::testing {

class ScriptedSource;

/// A Kafka of one's own for tests and simulations: logs in memory, members that get and lose
/// partitions when the test says so.
///
/// Nothing is assigned by itself: the test assigns, revokes and loses, and the member learns of it
/// in its next poll, as with Kafka. Thread-safe: a test may script while workers run in other
/// threads.
class ScriptedLog {
 public:
  ScriptedLog();
  ~ScriptedLog();

  /// Appends at the end of a partition, and returns the offset. Topic, partition and offset of
  /// `record` are overwritten.
  Offset append(const TopicPartition& partition, OwnedRecord record);
  /// A record with a JSON value, a key, and nothing else.
  Offset append_json(const TopicPartition& partition, std::string value, std::string key = "k");
  /// Leaves `count` offsets without a record, as transaction markers and compaction do.
  void append_gap(const TopicPartition& partition, Offset count = 1);
  /// Forgets everything below `start`, as retention does.
  void trim(const TopicPartition& partition, Offset start);
  LogRange range(const TopicPartition& partition) const;
  /// Forgets all records of a topic and begins it anew, under another id.
  void recreate(const std::string& topic);
  /// From now on nobody is told ids of topics.
  void hide_topic_ids();

  /// A new member of the group. It must not outlive the log.
  std::unique_ptr<ScriptedSource> member();

  /// What was told last for a partition, by whomever.
  std::optional<Offset> told(const TopicPartition& partition) const;
  void set_told(const TopicPartition& partition, Offset offset);

 private:
  friend class ScriptedSource;
  struct State;
  std::shared_ptr<State> state_;
};

/// One member's view of a ScriptedLog.
class ScriptedSource : public Source {
 public:
  ~ScriptedSource() override;

  /// To be served by the member's next poll, in the order of the calls.
  void assign(std::vector<TopicPartition> partitions);
  void revoke(std::vector<TopicPartition> partitions, Revocation how = Revocation::kOrderly);
  /// Delivers the partition again from `offset` on, as Kafka may within an assignment.
  void step_back(const TopicPartition& partition, Offset offset);
  /// The next poll throws FatalSourceError.
  void fail_fatally(std::string text);
  /// The next `count` calls that ask the broker throw InfrastructureError.
  void lose_broker(int count);
  bool is_paused(const TopicPartition& partition) const;
  bool is_closed() const;

  void subscribe(AssignmentListener& listener) override;
  Polled poll(const PollBudget& budget) override;
  void start_at(const TopicPartition& partition, Offset offset) override;
  void pause(const TopicPartition& partition) override;
  void resume(const TopicPartition& partition) override;
  void tell(std::span<const PartitionOffset> positions) override;
  std::optional<Offset> told(const TopicPartition& partition) override;
  LogRange log_range(const TopicPartition& partition) override;
  Offset offset_at(const TopicPartition& partition, Timestamp time) override;
  std::string topic_id(const std::string& topic) override;
  bool at_end(const TopicPartition& partition) const override;
  std::string cluster_id() override;
  void close(std::chrono::steady_clock::time_point deadline) override;

 private:
  friend class ScriptedLog;
  struct Member;
  explicit ScriptedSource(std::shared_ptr<ScriptedLog::State> log);

  void serve_script();
  void ask_broker();

  std::shared_ptr<ScriptedLog::State> log_;
  std::unique_ptr<Member> member_;
};

}  // namespace kinbox::testing

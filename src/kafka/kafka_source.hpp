#pragma once

#include <exception>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "kafka/assignment.hpp"
#include "kafka/fetch_nudge.hpp"
#include "kafka/joint_answers.hpp"
#include "kafka/teller.hpp"
#include "kafka/voice.hpp"
#include "kinbox/kafka/source.hpp"

namespace kinbox::kafka {

/// One consumer of librdkafka. See Source for the contract.
class KafkaSource final : public Source {
 public:
  KafkaSource(SourceOptions options, Observer& observer);
  ~KafkaSource() override;
  KafkaSource(const KafkaSource&) = delete;
  KafkaSource& operator=(const KafkaSource&) = delete;

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

  Voice& voice() noexcept { return voice_; }
  /// For faults behind our back. Throws ConfigurationError when closed.
  rd_kafka_t* client() const;
  /// The `group.instance.id` of this member; empty without one.
  std::string instance_id() const;

 private:
  /// What one poll has collected so far. A member, because partitions may be taken away meanwhile.
  struct Gathering {
    Polled polled;
    std::size_t bytes = 0;
  };

  /// Asks the broker; what the client has to say about its connections completes the error.
  template <typename Query>
  auto ask(Query query);
  /// The answer for a partition; one that was not started is asked about together with all others
  /// of its kind.
  Offset answer(Question question, const TopicPartition& partition);

  /// Looks after partitions that should deliver and do not, now and then.
  void watch();
  /// Says so, once, when the broker is to assign and has not for long.
  void watch_for_assignment();
  /// False when some still do not fit: nothing may overtake them.
  bool gather_carried(const PollBudget& budget);
  void gather_new(const PollBudget& budget);
  bool full(const PollBudget& budget) const;
  /// False when the record did not fit and is carried over.
  bool gather(Record record, const PollBudget& budget);
  bool accept(MessageHandle message, const PollBudget& budget);
  void on_event(const rd_kafka_message_t& message);
  void on_unreadable(Owned& owned, const rd_kafka_message_t& message);
  void on_out_of_range(const rd_kafka_message_t& message);
  /// Something came of that partition.
  void heard_of(Owned& owned, const rd_kafka_message_t& message);
  void throw_if_failed();
  std::string fatal_text(rd_kafka_resp_err_t code, const char* cause) const;

  static void on_rebalance(rd_kafka_t* rk, rd_kafka_resp_err_t what,
                           rd_kafka_topic_partition_list_t* partitions, void* source);
  void on_assigned(const std::vector<TopicPartition>& partitions);
  void on_revoked(const std::vector<TopicPartition>& partitions, Revocation how);
  std::vector<std::optional<Offset>> ask_where(const std::vector<TopicPartition>& partitions);
  void announce_revoked(const std::vector<TopicPartition>& partitions, Revocation how);
  void drop(const TopicPartition& partition);
  std::chrono::steady_clock::time_point last_tell_deadline() const;
  void release(std::chrono::steady_clock::time_point deadline);

  SourceOptions options_;
  Voice voice_;
  /// Destroyed by `release`, never by a destructor that may wait for ever.
  rd_kafka_t* rk_;
  Assignment assignment_;
  std::unique_ptr<Teller> teller_;
  std::optional<FetchNudge> nudge_;
  JointAnswers joint_answers_;
  AssignmentListener* listener_ = nullptr;
  std::chrono::steady_clock::time_point closing_by_ = std::chrono::steady_clock::time_point::max();
  Gathering gathering_;
  /// Records that did not fit into a poll, at most one per partition; librdkafka is past them.
  std::vector<Record> carried_;
  /// When to wonder why the broker assigns nothing. Nothing to wonder about in other groups.
  std::optional<std::chrono::steady_clock::time_point> assigned_by_;
  /// When a poll came back with nothing, and when to look after what it left out.
  std::chrono::steady_clock::time_point empty_at_ = std::chrono::steady_clock::time_point::min();
  std::chrono::steady_clock::time_point next_look_{};
  /// Thrown by a listener inside a callback, to be thrown again outside of it.
  std::exception_ptr failure_;
};

}  // namespace kinbox::kafka

#pragma once

#include <librdkafka/rdkafka.h>

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string_view>

#include "kafka/partition_list.hpp"
#include "kafka/stall.hpp"
#include "kafka/voice.hpp"
#include "kinbox/record.hpp"

namespace kinbox::kafka {

/// What we know about a partition that the group gave us.
struct Owned {
  /// In librdkafka's assignment. A partition that has not been told where to start is not.
  bool assigned = false;
  /// librdkafka gave up on it, because its offset is not in the log, or read on behind records that
  /// it could not read. Only a new start helps; until then, nothing of it counts.
  bool stopped = false;
  /// When to try again what could not be read.
  std::optional<std::chrono::steady_clock::time_point> retry_at;
  /// By our caller.
  bool paused = false;
  /// The pause has been carried out in librdkafka. Resuming what is not paused rewinds it in
  /// versions before 2.4.
  bool held = false;
  bool at_end = false;
  /// Somebody else may have it already: nothing may be told for it.
  bool lost = false;
  /// Last delivered + 1, or where it started.
  Offset next = 0;
  /// Where librdkafka is: as `next`, or the end that it reported.
  Offset reached = 0;
  /// Where to start, asked for and not yet carried out.
  std::optional<Offset> start;
  Stall stall;
};

/// The partitions of one consumer, as the group and our caller want them, and the calls that make
/// librdkafka agree.
///
/// librdkafka has two languages for it: eager groups replace the whole assignment, cooperative ones
/// add and subtract; each refuses the other's. A new start is a new assignment of the partition in
/// both, because seeking does not move a partition that stopped.
class Assignment {
 public:
  Assignment(rd_kafka_t* rk, Voice& voice) : rk_(rk), voice_(voice) {}

  /// nullptr if it is not ours.
  Owned* find(std::string_view topic, std::int32_t partition);
  Owned* find(const TopicPartition& partition);
  const Owned* find(const TopicPartition& partition) const;
  std::vector<TopicPartition> partitions() const;

  /// Ours from now on, fetched from nowhere yet.
  void add(std::span<const TopicPartition> partitions);
  /// To be carried out by `answer_assigned` or `carry_out`.
  void start(Owned& owned, Offset offset);
  void pause(const TopicPartition& partition, Owned& owned);
  void resume(const TopicPartition& partition, Owned& owned);

  /// Those that nobody said yet where to start.
  std::vector<TopicPartition> unstarted() const;
  /// Those of which records should come.
  std::vector<TopicPartition> fetched() const;
  /// Two ways to get a partition going that delivers nothing, from where it is; both lift pauses
  /// that are not ours. The second is carried out by `carry_out`.
  void seek(const TopicPartition& partition, const Owned& owned);
  void reassign(const TopicPartition& partition, Owned& owned);

  /// Its next records cannot be read: they are tried again in a while.
  void stop_to_retry(Owned& owned);
  /// Starts those again whose while is over.
  void retry();

  /// Carries out the starts asked for since the last time. Between polls only.
  void carry_out();

  /// The answer that the group waits for, once per assignment, with what can be started.
  void answer_assigned();
  /// librdkafka remembers pauses across assignments and would leave the partition stuck.
  void release_pauses(std::span<const TopicPartition> partitions);
  /// Revoked too late. Before the answer.
  void lose(std::span<const TopicPartition> partitions);
  /// The answer that the group waits for, once per revocation. Not ours any more after it.
  void answer_revoked(std::span<const TopicPartition> partitions);

 private:
  struct Less {
    using is_transparent = void;
    using View = std::pair<std::string_view, std::int32_t>;
    static View view(const TopicPartition& p) { return {p.topic, p.partition}; }
    static View view(const View& v) { return v; }
    bool operator()(const auto& a, const auto& b) const { return view(a) < view(b); }
  };

  void release(const TopicPartition& partition);
  bool cooperative();
  bool anything_to_start() const;
  void replace_all();
  void start_incrementally(bool restart);
  void started(Owned& owned, const TopicPartition& partition);
  void report(const char* call, rd_kafka_resp_err_t error);
  void report(const char* call, ErrorHandle error);

  rd_kafka_t* rk_;
  Voice& voice_;
  bool cooperative_ = false;
  std::map<TopicPartition, Owned, Less> owned_;
};

}  // namespace kinbox::kafka

#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "core/audit.hpp"
#include "kinbox/database.hpp"
#include "kinbox/errors.hpp"
#include "kinbox/record.hpp"

namespace kinbox::cli {

/// A partition's position as the database has it.
struct StoredPosition {
  std::string consumer;
  std::string group;
  TopicPartition partition;
  std::string topic_id;
  Offset first_offset = 0;
  Offset next_offset = 0;
  Offset dedup_floor = 0;
  std::int64_t epoch = 0;
  std::string owner;
  /// "host pid 4711" while the owner says that it is at work.
  std::string owner_at;
  std::string state;
  std::string reason;
  bool clean_stop = true;
  /// It waits for a replay.
  bool held = false;

  bool is_halted() const { return state == "halted"; }
  /// Records from here on have a row if they were applied. Of earlier ones nobody knows: their rows
  /// were pruned, or they were there before this consumer.
  Offset known_from() const { return std::max(first_offset, dedup_floor); }
};

/// From where to where a position goes; from nowhere if the partition has none yet.
struct Move {
  TopicPartition partition;
  std::optional<Offset> from;
  Offset to = 0;
};

/// What was looked at is no longer so, or the consumer is at work: nothing was changed.
class PositionRefused : public RefusedError {
  using RefusedError::RefusedError;
};

/// Throws it: the position of `partition` is another by now.
[[noreturn]] void refuse_moved(const TopicPartition& partition);

/// Every position of the database, of one consumer unless `consumer` is empty, in order.
std::vector<StoredPosition> stored_positions(Database& database, const std::string& consumer);

/// What people do to a consumer's positions. Each call is one transaction (but for rows that go
/// before), under the locks and with
/// the notice of Control, gives the number of its row in the audit, and throws PositionRefused when
/// a position is no longer where the move begins.
///
/// The position law stays true: next_offset - first_offset is what the counters add up to.
class PositionDesk {
 public:
  PositionDesk(Database& database, std::string consumer)
      : database_(database), consumer_(std::move(consumer)) {}

  using Moves = std::span<const Move>;

  /// Begins elsewhere. first_offset moves along, the counters stay. What lies between the ends of a
  /// forward move is nobody's: dedup_floor goes to its end. Refused while a worker of the consumer
  /// is at work, or a replay is not done.
  std::int64_t set(Moves moves, const Audit::Action& action);

  /// Goes on behind records that are not to be had: they are counted as gaps.
  std::int64_t pass_over(Moves moves, const Audit::Action& action);

  /// Goes on in a log whose offsets from `to` on are other records than before. `new_topic`: it is
  /// another topic. `forget_inbox`: its records' ids are their offsets; the rows of the old ones go
  /// first, see ForgottenRows, so many of the inbox looked at in a transaction. Refused while
  /// events are parked: the new ones would be put in front of them.
  struct NewLog {
    bool new_topic = false;
    bool forget_inbox = false;
    std::size_t batch = 1'000;
  };
  std::int64_t begin_anew(Moves moves, const NewLog& log, const Audit::Action& action);

  /// Halted partitions are tried again from where they are.
  std::int64_t release(std::span<const TopicPartition> partitions, const Audit::Action& action);

 private:
  using Change = std::function<void(OpenTransaction&)>;

  std::int64_t apply(std::span<const TopicPartition> partitions, Audit::Action action,
                     const Change& change);
  void shift(OpenTransaction& tx, const Move& move) const;

  Database& database_;
  std::string consumer_;
};

/// "orders/0 from 4200 to 100; orders/1 from 7 to 0"
std::string described(PositionDesk::Moves moves);

}  // namespace kinbox::cli

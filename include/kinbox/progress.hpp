#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "kinbox/record.hpp"
#include "kinbox/transaction.hpp"

namespace kinbox {

/// How many records of a stretch ended how. Their sum is the distance the position moved: the
/// position law.
struct Tally {
  std::int64_t applied = 0;
  std::int64_t duplicates = 0;
  std::int64_t parked = 0;
  std::int64_t dead = 0;
  std::int64_t skipped = 0;
  /// Offsets that carry no record (transaction markers, compaction).
  std::int64_t gaps = 0;

  std::int64_t sum() const noexcept {
    return applied + duplicates + parked + dead + skipped + gaps;
  }
  Tally& operator+=(const Tally& other) noexcept {
    applied += other.applied;
    duplicates += other.duplicates;
    parked += other.parked;
    dead += other.dead;
    skipped += other.skipped;
    gaps += other.gaps;
    return *this;
  }
  bool operator==(const Tally&) const = default;
};

/// A partition whose last owner did not leave in order: one of the next records may have ended it.
struct Suspicion {
  /// The record that an owner tried alone last, and how many owners that was the last thing of.
  std::optional<Offset> attempted;
  std::int64_t crashes = 0;
};

/// The right to advance one partition: lost as soon as somebody else claims it.
struct PartitionClaim {
  std::int64_t epoch = 0;
  Offset next_offset = 0;
  std::int64_t control_version = 0;
  /// Which of all takings of this process it was: a restored backup repeats epochs, but not these.
  std::int64_t taking = 0;
  /// Of the topic that the position belongs to; empty while nobody could tell.
  std::string topic_id = {};
  std::optional<Suspicion> suspicion = {};
  /// The replay that the partition waits for: no batch may be opened.
  std::optional<std::int64_t> held_by = {};
};

/// A consumer's positions: the rows of `consumer_progress`.
///
/// The database is the position; Kafka's committed offset is a hint. Writes inside the caller's
/// transaction, holds no state.
class Progress {
 public:
  /// `owner` names this incarnation of this worker and is never used twice: epochs repeat after a
  /// restore from backup, owners do not.
  Progress(std::string consumer, std::string owner, const Dialect& dialect);

  /// Gives the partition its first position; nothing if it has one.
  void create(OpenTransaction& tx, const TopicPartition& partition, Offset first_offset) const;

  /// Bumps the epoch and takes the partition: from the commit of `tx` on no earlier owner can
  /// commit for it. Waits for a transaction that an earlier owner has open. `session` is
  /// Database::session(). A position without a topic id gets `topic_id`; one that has another keeps
  /// it, for the caller to see. nullopt if the partition has no position.
  ///
  /// Suspicion begins when the last owner was another one and did not `leave`; it lasts until the
  /// CrashLedger ends it, whoever owns the partition. If that owner was trying a record alone, the
  /// record is charged with a crash, once: here, or in its own row if it had been set aside.
  std::optional<PartitionClaim> take(OpenTransaction& tx, const TopicPartition& partition,
                                     std::string_view session,
                                     std::string_view topic_id = {}) const;

  const std::string& consumer() const noexcept { return consumer_; }

  enum class Opened { kOpened, kMissed };

  /// The answer to `open`, awaited when it is read. Dies with its transaction.
  class Opening {
   public:
    explicit Opening(Executed moved) : moved_(moved) {}
    Opened result() const {
      return moved_.affected_rows() == 1 ? Opened::kOpened : Opened::kMissed;
    }

   private:
    Executed moved_;
  };

  /// Moves the position from `claim.next_offset` to `next_offset` and marks the batch open: until
  /// `close`, any COMMIT of `tx` fails. kMissed when the claim is no longer good (another owner,
  /// our own commit whose reply was lost, an operator); `tx` must be rolled back then. `session` as
  /// with `take`: it changes when a connection was lost.
  Opening open(OpenTransaction& tx, const TopicPartition& partition, const PartitionClaim& claim,
               Offset next_offset, std::string_view session) const;

  /// Closes what `open` opened in `tx`, and adds `tally` to the counters. A record that was being
  /// tried alone has survived.
  void close(OpenTransaction& tx, const TopicPartition& partition, const Tally& tally) const;

  /// Writes down why the partition does not move. Does nothing if `claim` is no longer good.
  void halt(OpenTransaction& tx, const TopicPartition& partition, const PartitionClaim& claim,
            std::string_view reason) const;

  /// Writes down that the partition waits because its consumer's budget of dead letters is spent.
  /// Does nothing if `claim` is no longer good; nor does `resume`.
  void open_breaker(OpenTransaction& tx, const TopicPartition& partition,
                    const PartitionClaim& claim, std::string_view reason) const;
  /// It goes on.
  void resume(OpenTransaction& tx, const TopicPartition& partition,
              const PartitionClaim& claim) const;

  /// Marks that the owner left with nothing in flight. Does nothing if `claim` is no longer good.
  void leave(OpenTransaction& tx, const TopicPartition& partition,
             const PartitionClaim& claim) const;

 private:
  void charge_waiting(OpenTransaction& tx, const TopicPartition& partition, const Row& taken) const;
  void report(OpenTransaction& tx, const TopicPartition& partition, const PartitionClaim& claim,
              std::string_view state, std::string_view reason) const;

  std::string consumer_;
  std::string owner_;
  std::string create_;
  std::string take_;
  std::string charge_parked_;
  std::string charge_letter_;
  std::string charged_;
  std::string open_;
  std::string close_;
  std::string report_;
  std::string leave_;
};

}  // namespace kinbox

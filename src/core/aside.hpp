#pragma once

#include <cstdint>
#include <set>
#include <utility>
#include <vector>

#include "core/letter_rows.hpp"
#include "core/parked_rows.hpp"
#include "kinbox/dead_letter.hpp"
#include "kinbox/transaction.hpp"

namespace kinbox {

struct BatchItem;
struct OwnedPartition;

/// What one batch sets aside, and what it takes back from there: moves rows between `parked_events`
/// and `dead_letters`, in the batch's transaction, and tells the partitions once that is committed.
class Aside {
 public:
  struct Parts {
    const ParkedRows& parked;
    const LetterRows& letters;
    const DeadLetters& dead_letters;
  };

  explicit Aside(const Parts& parts) : parts_(parts) {}

  /// The event fails for good, or again.
  void bury(OpenTransaction& tx, const BatchItem& item, const Failure& failure);
  static DeadLetter letter_of(const BatchItem& item, const Failure& failure);
  /// The event waits: as the first of its queue for `item.due_in`, else behind others. Its row is
  /// written by `settle`: with those of the others, not among the handlers' statements.
  void park(const BatchItem& item) { parked_.push_back(&item); }
  /// The item's event waits already, under another record.
  void note_seen_again(const BatchItem& item) { seen_again_.push_back(&item); }
  /// A record that waited has its verdict.
  void leave(const BatchItem& item);

  /// Writes what waits, removes what left, and has what is behind it tried next. Once, after all
  /// items.
  void settle(OpenTransaction& tx);

  /// Whether `settle` had something to write.
  bool wrote() const noexcept {
    return !parked_.empty() || !parked_ids_.empty() || !letter_ids_.empty() || !seen_again_.empty();
  }

  /// What was set aside is that from now on. After COMMIT.
  void committed() const;

 private:
  struct Queue {
    OwnedPartition* partition = nullptr;
    QueueId id = 0;
    auto operator<=>(const Queue&) const = default;
  };
  struct Added {
    Queue queue;
    ParkedQueues::TimePoint due;
  };

  void write(OpenTransaction& tx, const BatchItem& item);

  Parts parts_;
  std::vector<const BatchItem*> parked_;
  std::vector<const BatchItem*> seen_again_;
  std::vector<std::int64_t> parked_ids_;
  /// Of them, those of events that are dead letters.
  std::vector<std::int64_t> queued_letters_;
  std::vector<std::int64_t> letter_ids_;
  std::vector<Queue> left_;
  std::vector<Queue> promoted_;
  std::vector<Added> added_;
  std::vector<Added> postponed_;
};

}  // namespace kinbox

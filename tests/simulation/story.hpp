#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "kinbox/inbox.hpp"
#include "kinbox/retry_policy.hpp"
#include "kinbox/testing/scripted_log.hpp"
#include "kinbox/worker.hpp"
#include "simulation/dice.hpp"

namespace kinbox::simulation {

/// What an event's handler does, each time it runs.
enum class Conduct {
  kFine,
  /// Fails the first one or two times, after it has written.
  kTransient,
  /// Takes longer than a transaction may.
  kSlow,
  kRejects,
  kThrows,
  kViolatesConstraint,
  kSwallowsSqlError,
  kViolatesAtCommit,
  kCommitsItself,
  kKillsConnection,
  kNobodyTakesIt,
};

struct PlannedEvent {
  std::string id;
  std::string key;
  Conduct conduct = Conduct::kFine;
  /// kTransient: how often it still fails.
  int failures_left = 0;
  /// Somebody made it a letter while it was parked.
  bool buried_by_hand = false;
};

/// A record as it was produced. `event_id` is empty for poison.
struct PlannedRecord {
  std::string event_id;
  std::string value;
};

/// The consumer's rules that bear on verdicts.
struct Rules {
  /// What becomes of an event in the end.
  Then then = Then::kDeadLetter;
  /// Whether it is parked before.
  bool parks = false;
  UnknownTypes unknown_types = UnknownTypes::kDeadLetter;
  IdConflict id_conflict = IdConflict::kDeadLetter;
  /// Not a rule, but as lasting: among so many keys the events are.
  std::size_t keys = 10;
};

/// All that was ever produced, and what must come of it: knows nothing of how kinbox works.
class Story {
 public:
  struct Partition {
    /// Where the consumer starts.
    Offset first = 0;
    std::map<Offset, PlannedRecord> records;
  };

  Story(testing::ScriptedLog& log, Dice& dice, Rules rules);

  /// Appends a new event, a duplicate, two payloads under one id, poison or a gap, anywhere.
  void go_on();
  /// Ends each partition with a record: gaps before it can be counted.
  void end();

  const std::map<TopicPartition, Partition>& partitions() const noexcept { return partitions_; }
  const std::vector<TopicPartition>& partition_ids() const noexcept { return ids_; }
  const std::map<std::string, PlannedEvent>& events() const noexcept { return events_; }
  PlannedEvent& event(const std::string& id) { return events_.at(id); }

  const Rules& rules() const noexcept { return rules_; }
  Verdict fate(const PlannedEvent& event) const;
  Verdict fate_of_poison() const;
  /// Reason of its dead letter.
  static std::string_view reason(const PlannedEvent& event);

 private:
  const PlannedEvent& invent(Conduct conduct);
  Conduct any_conduct();
  void append(const TopicPartition& partition, PlannedRecord record, const std::string& key);
  void append_event(const TopicPartition& partition, const PlannedEvent& event, int variant);

  testing::ScriptedLog& log_;
  Dice& dice_;
  Rules rules_;
  std::vector<TopicPartition> ids_;
  std::map<TopicPartition, Partition> partitions_;
  std::map<std::string, PlannedEvent> events_;
};

}  // namespace kinbox::simulation

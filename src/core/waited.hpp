#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "kinbox/inbox.hpp"
#include "kinbox/parked_queues.hpp"
#include "kinbox/record.hpp"

namespace kinbox {

/// What the database remembers of a record that was set aside and whose turn comes again.
struct Waited {
  enum class Place { kParked, kLetter };

  Place place = Place::kParked;
  /// Of its row there.
  std::int64_t id = 0;
  QueueId queue = 0;
  /// The verdict in its inbox row; nullopt: it has none (it was poison, or is tried under another
  /// id).
  std::optional<Verdict> recorded = std::nullopt;
  /// As what it stands in the counters of its partition; nullopt: in none (imported).
  std::optional<Verdict> counted = std::nullopt;
  /// So far.
  int attempts = 0;
  std::optional<Timestamp> first_failed_at = std::nullopt;
  /// As Failure has them.
  std::vector<Timestamp> failed_at = {};
  /// Failed tries since it was parked.
  int tries = 0;
  /// How many processes it was the last thing of, tried alone.
  std::int64_t crashes = 0;
  /// Of a parked event that was a dead letter before: that letter.
  std::optional<std::int64_t> letter = std::nullopt;
};

/// A record that was set aside, as it is read back.
struct WaitingRecord {
  Waited waited;
  /// The id it is tried under; nullopt for what had none.
  std::optional<std::string> event_id;
  std::string event_type;
  OwnedRecord record;
};

}  // namespace kinbox

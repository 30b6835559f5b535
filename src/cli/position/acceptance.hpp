#pragma once

#include <optional>
#include <string>

#include "cli/position/position_desk.hpp"
#include "kinbox/source.hpp"

namespace kinbox::cli {

/// How a partition goes on whose log does not hold its position any more.
struct Acceptance {
  enum class Way {
    /// Behind records that are gone.
    kPassOver,
    /// At the start of another topic of that name.
    kNewTopic,
    /// At the end of what is left of the same topic.
    kSameTopic,
  };

  Way way = Way::kPassOver;
  Move move;
  /// In words.
  std::string meaning;
};

/// What somebody said about it.
struct AcceptWords {
  bool new_topic = false;
  bool same_topic = false;
  /// Records that cannot be read end there.
  std::optional<Offset> until = {};
};

/// `topic_id`: of the topic that is there now; empty where it cannot be told. Throws UsageError,
/// with what to say instead, when the log does hold the position, when the words contradict what is
/// there, and when only a person can know which topic it is.
Acceptance accepted(const StoredPosition& position, const LogRange& log,
                    const std::string& topic_id, const AcceptWords& words);

/// Whether the partition was halted for want of its records.
bool lacks_records(const StoredPosition& position);

}  // namespace kinbox::cli

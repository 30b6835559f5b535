#pragma once

#include <memory>
#include <optional>
#include <string>

#include "kinbox/database.hpp"
#include "kinbox/dispatcher.hpp"
#include "kinbox/worker.hpp"

namespace kinbox {

/// Tries again what was set aside, without a consumer that runs: dead letters that somebody
/// requested, and parked events that are due. Takes the partition as a worker would, so no earlier
/// owner can commit for it afterwards; reads nothing from Kafka. One thread.
class Redriver {
 public:
  /// As the consumer's workers have them. Throws ConfigurationError as Worker does.
  Redriver(ConsumerSpec consumer, DispatcherOptions options, std::unique_ptr<Database> database,
           Observer& observer);
  ~Redriver();

  enum class Outcome {
    kDone,
    /// A worker that is at work owns the partition: it will do it.
    kOwned,
    /// The consumer never had that partition.
    kUnknown,
    /// The partition waits for a replay.
    kHeld,
    /// Somebody took the partition meanwhile, or it had to stop; the rest is left to its owner.
    kStopped,
  };

  /// Everything that is due, until nothing is. Throws InfrastructureError when the database goes
  /// away: what is committed by then stays.
  Outcome run(const TopicPartition& partition);

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace kinbox

#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "kinbox/database.hpp"
#include "kinbox/dispatcher.hpp"
#include "kinbox/observer.hpp"
#include "kinbox/replay_range.hpp"
#include "kinbox/worker.hpp"

namespace kinbox {

enum class ReplayMode {
  /// Runs events that have no verdict. Others are passed over.
  kFill,
  /// Runs events in transactions that are rolled back.
  kTrial,
  /// Opens a generation, in which events that were applied run once more.
  kReprocess,
};

std::string_view to_text(ReplayMode mode);

/// What a person chose for a replay.
struct ReplayChoices {
  ReplayMode mode = ReplayMode::kFill;
  ReplayFilter filter = {};
  /// Events without a verdict run also where that does not say that they never ran: before the
  /// consumer's first offset, and where `prune` may have deleted it.
  bool treat_as_new = false;

  // Of kReprocess:

  /// New records run meanwhile, beside the old ones. For handlers that are order_independent.
  bool beside_live = false;
  /// Dead letters of the range run too, and are resolved.
  bool include_dead = false;
  /// What handlers emit is written, under ids of this generation.
  bool emit = false;
  /// E-mails are written, with this revision at least; 0: they are not.
  int mail_revision = 0;

  bool operator==(const ReplayChoices&) const = default;
};

/// Runs a recorded replay: a bounded piece of the past, through the inbox, beside the live position
/// and never moving it. How far it is commits together with the handlers' effects, so that whoever
/// takes it up after a crash goes on behind the last commit.
///
/// Belongs to no group; whoever feeds it reads the records. One thread.
class Replayer {
 public:
  struct Parts {
    ConsumerSpec consumer;
    DispatcherOptions options;
    std::unique_ptr<Database> database;
    Observer& observer;
    /// Waits for so long, or less if the replay is to stop soon. Between tries of a failing event.
    std::function<void(std::chrono::milliseconds)> wait;
  };

  /// Throws ConfigurationError as Dispatcher does.
  explicit Replayer(Parts parts);
  ~Replayer();

  /// How far it is in one partition.
  struct Progress {
    TopicPartition partition;
    std::string topic_id;
    Offset begin = 0;
    Offset next = 0;
    Offset end = 0;
    /// Events that ran.
    std::int64_t applied = 0;
    /// Had their verdict already, or ran in this generation.
    std::int64_t known = 0;
    /// Failed, and are dead letters now.
    std::int64_t dead = 0;
    /// Passed over: they are parked or dead, nobody takes them, or nothing says that they are new.
    std::int64_t left_alone = 0;
    /// Events and e-mails that handlers handed over once more, and that were not written.
    std::int64_t silenced = 0;
    /// Whoever had it before did not leave in order: its next records run one at a time, until it
    /// is known which of them ends its process.
    bool suspect = false;
  };

  /// Takes the replay over from whoever ran it, who notices at its next commit, and has the
  /// handlers prepare what is to be reprocessed, unless that was done. Throws RefusedError when it
  /// is not running, or is another consumer's.
  std::vector<Progress> take(std::int64_t replay);

  enum class Outcome {
    /// Every record was decided.
    kDone,
    /// Somebody paused it, cancelled it or took it over, or it paused itself; `why` tells.
    kStopped,
  };

  /// Records of what was taken, in order per partition; those that were decided before are passed
  /// over. Throws InfrastructureError when the database is away: call it again with the same.
  Outcome apply(std::span<const Record> records);

  /// There are no more records: the replay is done, and partitions it held go on. As `apply`.
  Outcome finish();

  /// What was taken is left in order, whatever came of it: otherwise the next one suspects its
  /// records of having ended this process. Throws InfrastructureError.
  void leave();

  /// As of the last commit.
  std::vector<Progress> progress() const;
  const std::string& why() const;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace kinbox

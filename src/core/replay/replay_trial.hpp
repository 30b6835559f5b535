#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "core/replay/replay_plan.hpp"
#include "kinbox/database.hpp"
#include "kinbox/dispatcher.hpp"
#include "kinbox/worker.hpp"

namespace kinbox {

/// Runs handlers on events of the past in transactions that are rolled back, and tells what would
/// succeed. Nothing is kept: no effect, no verdict, no event.
///
/// A transaction ends behind an event that fails, or after as many events as a batch holds; what
/// runs later does not see what it wrote. Constraints that are deferred to COMMIT are not looked
/// at.
///
/// Rows in `replays` remember how far it is, until `finish`: an event that ends its process is
/// found by the next trials of the same plan, as ReplayCrashes says.
class ReplayTrial {
 public:
  struct Parts {
    ConsumerSpec consumer;
    DispatcherOptions options;
    std::unique_ptr<Database> database;
    ReplayPlan plan;
    /// Also events of which nothing says that they never ran.
    bool treat_as_new = false;
  };

  /// Failures that are one in kind.
  struct Group {
    /// As in `dlq groups`.
    std::string id;
    Failure failure;
    std::int64_t events = 0;
    std::string sample_event;
    TopicPartition sample_partition;
    Offset sample_offset = 0;
  };
  struct OfHandler {
    std::int64_t succeeded = 0;
    std::int64_t failed = 0;
    /// They were applied, and the handler is not reprocessable.
    std::int64_t not_tried = 0;
  };
  struct Result {
    std::map<std::string, OfHandler> by_handler;
    /// The largest first.
    std::vector<Group> groups;
    /// Events and e-mails that would have left.
    std::int64_t outgoing = 0;
    /// Records that no handler was asked about.
    std::int64_t passed_over = 0;
    /// Events that ran in transactions of their own, because a trial before did not come to its
    /// end.
    std::int64_t alone = 0;
  };

  explicit ReplayTrial(Parts parts);
  ~ReplayTrial();

  /// Records of the plan's range, in order per partition. Throws InfrastructureError: call it again
  /// with the same then.
  void apply(std::span<const Record> records);
  /// There are no more records. Throws InfrastructureError.
  Result finish();
  /// Without having come to the end, but in order. Throws InfrastructureError.
  void leave();

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace kinbox

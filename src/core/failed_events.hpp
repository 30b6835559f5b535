#pragma once

#include <exception>
#include <functional>
#include <optional>
#include <random>
#include <string>

#include "core/batch.hpp"
#include "core/failure.hpp"
#include "kinbox/on_error.hpp"

namespace kinbox {

/// Takes events that failed up their ladder: tried again in place, parked, handed to somebody else,
/// buried, skipped, or their partition stopped.
class FailedEvents {
 public:
  struct Parts {
    /// Of handlers that have none of their own.
    const OnError& on_error;
    /// Between the tries of a partition whose breaker is open.
    std::chrono::milliseconds probe_every;
    const HandlerRegistry& handlers;
    Database& database;
    const Progress& progress;
    Observer& observer;
    /// Runs one item in a transaction of its own.
    std::function<BatchOutcome(BatchItem&)> run_alone;
  };

  explicit FailedEvents(Parts parts);

  /// `item`'s event failed with `error`; nothing of it was written. Afterwards it has its verdict,
  /// or its partition waits, is halted, or is no longer ours.
  void settle(BatchItem& item, const std::exception_ptr& error);

  /// `item` may not run again. Afterwards as `settle`.
  void give_up(BatchItem& item, Failure failure);

  /// An earlier event of its key is parked: plans that it waits behind it. When too many do
  /// already, plans otherwise, or answers why the partition has to stop. `planned`: events that
  /// wait there once what is being planned is committed, beside those that do.
  std::optional<std::string> plan_behind(BatchItem& item, std::size_t planned) const;

  /// `item` would be one dead letter too many: its partition waits. What was parked waits on alone.
  void open_breaker(BatchItem& item);
  /// Something of the partition was committed.
  void close_breaker(OwnedPartition& partition);

  void halt(const BatchItem& item, const std::string& reason);
  /// The partition's claim is no longer good.
  void lost(OwnedPartition& partition);

 private:
  const OnError& on_error_of(const BatchItem& item) const;
  const OnError& ladder_of(const BatchItem& item, const Diagnosis& diagnosis) const;
  void settle_waited(BatchItem& item, Diagnosis diagnosis);
  void wait(const BatchItem& item, const Diagnosis& diagnosis, std::chrono::milliseconds delay);
  void end(BatchItem& item, Failure failure, Then then, const OnError& ladder);
  void park(BatchItem& item, const OnError& ladder);
  void fail_over(BatchItem& item, const OnError& ladder);
  void decide(BatchItem& item, Verdict verdict);

  Parts parts_;
  std::mt19937_64 random_{std::random_device{}()};
  std::uniform_real_distribution<double> uniform_{0.0, 1.0};
};

}  // namespace kinbox

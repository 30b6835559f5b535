#pragma once

#include <chrono>
#include <cstddef>
#include <string>

#include "kinbox/transaction.hpp"

namespace kinbox {

/// How many of a consumer's events may become dead letters. When everything fails, the cause is not
/// the events: beyond the budget their partitions wait instead, and try one event now and then.
struct DlqBudgetOptions {
  /// Dead letters that may be written while nothing succeeds.
  double capacity = 1'000;
  /// What each event that is applied gives back, up to `capacity`.
  double per_success = 0.1;
  /// Between the tries of a partition that waits.
  std::chrono::milliseconds probe_every{5'000};
};

/// The budget itself: a token bucket, one for all workers of a consumer, in its row of `consumers`.
/// What is earned is kept in memory until something has to be paid: who never fails never writes.
class DlqBudget {
 public:
  DlqBudget(std::string consumer, DlqBudgetOptions options, const Dialect& dialect);

  /// Takes `letters` from the budget, with what was earned; false, and nothing taken, if there is
  /// too little. In the order of locks the row comes after all others of a batch.
  bool spend(OpenTransaction& tx, std::size_t letters) const;

  /// The batch that spent so much is committed, and so many events were applied in it.
  void committed(std::size_t letters, std::size_t applied) noexcept;

  const DlqBudgetOptions& options() const noexcept { return options_; }

 private:
  std::string consumer_;
  DlqBudgetOptions options_;
  std::string spend_;
  double earned_ = 0;
};

}  // namespace kinbox

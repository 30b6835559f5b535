#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "core/replay/replay_plan.hpp"
#include "kinbox/transaction.hpp"

namespace kinbox {

/// The rows of `replays` and `replay_progress` that a trial has while it is on its way, so that the
/// next one of the same plan knows of a record that ended its process. Writes inside the caller's
/// transaction.
class TrialRows {
 public:
  explicit TrialRows(const Dialect& dialect);

  /// The trial of that plan that did not come to its end, or one that begins. It is `owner`'s from
  /// now on; `taking` is called before it is.
  std::int64_t take(OpenTransaction& tx, const ReplayPlan& plan, std::string_view owner,
                    const std::function<void(std::int64_t)>& taking) const;
  /// It came to its end: nothing of it is kept.
  void end(OpenTransaction& tx, std::int64_t id, std::string_view owner) const;

 private:
  std::int64_t begin(OpenTransaction& tx, const ReplayPlan& plan, const std::string& hash) const;

  std::string find_;
  std::string insert_;
  std::string insert_piece_;
  std::string take_;
  std::string end_;
};

}  // namespace kinbox

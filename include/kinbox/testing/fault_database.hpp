#pragma once

#include <functional>
#include <memory>

#include "kinbox/database.hpp"

namespace kinbox::testing {

/// Where a fault may strike.
enum class FaultPoint {
  kBegin,
  /// Before a statement of any kind reaches the database.
  kStatement,
  /// Nothing was committed.
  kBeforeCommit,
  /// It was committed, and the reply gets lost.
  kAfterCommit,
};

/// Called at each point; throws what the database should fail with (InfrastructureError as a rule).
using FaultPlan = std::function<void(FaultPoint)>;

/// A Database that works like `inner` except where `plan` throws.
std::unique_ptr<Database> with_faults(std::unique_ptr<Database> inner, FaultPlan plan);

}  // namespace kinbox::testing

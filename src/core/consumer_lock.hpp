#pragma once

#include <string>

#include "kinbox/dialect.hpp"
#include "kinbox/transaction.hpp"

namespace kinbox {

/// A lock that every batch of a consumer takes first, shared as a rule. SQLite has one writer
/// anyway, and takes none.
class ConsumerLock {
 public:
  enum class Mode {
    kShared,
    /// Waits for the batches of the other workers, and keeps them waiting.
    kExclusive,
  };

  ConsumerLock(std::string consumer, const Dialect& dialect);

  /// Held until `tx` ends. Before every other lock.
  void take(OpenTransaction& tx, Mode mode) const;

 private:
  bool needed_;
  /// Of this consumer in this schema.
  std::string name_;
};

}  // namespace kinbox

#pragma once

#include <string>

#include "kinbox/database.hpp"
#include "kinbox/dialect.hpp"
#include "kinbox/record.hpp"

namespace kinbox {

/// What keeps a partition from us on PostgreSQL: a transaction of its last owner, whose process
/// stopped while the server was sending it a large result. The server waits for it then, no timeout
/// of a statement or an idle transaction runs, and the partition's row stays locked.
///
/// Only for a partition that Kafka gave us, and whose row was waited for in vain.
class StoppedOwner {
 public:
  StoppedOwner(std::string consumer, const Dialect& dialect);

  /// Ends the server process that keeps the row of `partition` locked, if it is the one its last
  /// owner recorded, and nobody else's. Says what it did, or what must be done so that it may;
  /// empty when no such process is in the way. Throws InfrastructureError.
  std::string end(Database& database, const TopicPartition& partition) const;

 private:
  std::string consumer_;
  bool possible_;
  std::string find_;
};

}  // namespace kinbox

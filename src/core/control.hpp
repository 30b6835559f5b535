#pragma once

#include <span>
#include <string>

#include "kinbox/record.hpp"
#include "kinbox/transaction.hpp"

namespace kinbox {

/// How whoever changes a consumer's rows from outside tells the owners of its partitions: parked
/// events, dead letters that are to be tried again, positions. Writes inside the caller's
/// transaction, which changes the rows between the two calls.
class Control {
 public:
  Control(std::string consumer, const Dialect& dialect);

  /// Locks the positions of `partitions`, in order, until the transaction ends, and raises their
  /// control versions: whoever owns them misses its next batch, takes them again and reads what was
  /// changed. Partitions without a position are passed over.
  void lock(OpenTransaction& tx, std::span<const TopicPartition> partitions) const;

  /// Lets owners without records find out too; they look each second. The transaction's last
  /// statement: this row comes after all others in the order of locks.
  void announce(OpenTransaction& tx) const;

 private:
  std::string consumer_;
  std::string lock_;
  std::string announce_;
};

}  // namespace kinbox

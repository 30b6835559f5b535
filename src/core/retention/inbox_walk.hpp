#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "kinbox/record.hpp"
#include "kinbox/transaction.hpp"

namespace kinbox {

/// Which rows of the inbox may go: a consumer's, decided before `before` (milliseconds since the
/// Unix epoch, on the database's clock).
struct DueInbox {
  std::string consumer;
  std::int64_t before = 0;
};

/// A row that was due when it was looked at. Whoever deletes it looks again: its place may be
/// another row's by then.
struct DueRow {
  /// ctid, or rowid.
  std::string place;
  Offset offset = 0;
};
using DueRows = std::map<TopicPartition, std::vector<DueRow>>;

/// Reads the inbox in the order in which it lies, a stretch at a time: no index finds old rows
/// without costing every event something.
class InboxWalk {
 public:
  virtual ~InboxWalk() = default;

  /// Reads the next stretch and adds what is due in it. False when there is none any more.
  virtual bool next(OpenTransaction& tx, DueRows& due) = 0;

  /// Where the next walk may `go_on`; nullopt where every walk begins at the beginning.
  virtual std::optional<std::int64_t> place() const = 0;
};

/// `go_on`: see PruneOptions.
std::unique_ptr<InboxWalk> make_inbox_walk(const Dialect& dialect, DueInbox due, bool go_on);

}  // namespace kinbox

#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "kinbox/database.hpp"
#include "kinbox/progress.hpp"

namespace kinbox::cli {

enum class Finding {
  kOk,
  /// They differ, and something that is known to have happened (rows were pruned, a position was
  /// set by hand) may be why: nobody can tell.
  kUnknown,
  kMismatch,
};
std::string_view to_text(Finding finding);

/// What the rows say of one partition's counters. Rows that an import brought stand for no offset
/// of the partition and are not counted.
struct Recount {
  std::string consumer;
  TopicPartition partition;
  Offset first_offset = 0;
  Offset next_offset = 0;
  Tally counters;
  /// Inbox rows of records that the position has passed since its first offset.
  std::int64_t applied_rows = 0;
  std::int64_t skipped_rows = 0;
  /// Letters that are neither resolved nor in a queue, and events that are.
  std::int64_t dead_rows = 0;
  std::int64_t parked_rows = 0;
  /// Inbox rows of records that the position has not reached.
  std::int64_t rows_ahead = 0;
  std::int64_t imported = 0;
  bool open_batch = false;
  bool pruned = false;
  /// A person set positions of this consumer, or replayed for it.
  bool changed_by_hand = false;

  Finding finding = Finding::kOk;
  /// One sentence for each thing that is not as the counters say.
  std::vector<std::string> notes;
};

/// Counts all partitions anew, seen at one moment. Reads the whole inbox. Throws
/// InfrastructureError.
std::vector<Recount> recount(Database& database);

/// Fills in `finding` and `notes` from the rest.
void judge(Recount& partition);

}  // namespace kinbox::cli

#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "kinbox/database.hpp"
#include "kinbox/progress.hpp"

namespace kinbox::cli {

enum class Finding {
  kOk,
  /// They differ, and by no more than what is known to have happened explains (rows were pruned, a
  /// replay or an import brought some): nobody can tell.
  kUnknown,
  kMismatch,
};
std::string_view to_text(Finding finding);

/// What the rows say of one partition's counters, which count what was decided of it, whatever
/// became of its position.
struct Recount {
  std::string consumer;
  TopicPartition partition;
  Offset first_offset = 0;
  Offset next_offset = 0;
  Tally counters;
  std::int64_t applied_rows = 0;
  std::int64_t skipped_rows = 0;
  /// Letters that are neither resolved nor in a queue, and events that are; but for those that
  /// stand for no offset of the partition.
  std::int64_t dead_rows = 0;
  std::int64_t parked_rows = 0;
  /// Rows of applied events that failed when they were reprocessed.
  std::int64_t died_rows = 0;
  /// Rows of applied events that were deleted with their topic.
  std::int64_t forgotten = 0;
  /// Rows of records where the position never was.
  std::int64_t outside_rows = 0;
  /// Letters.
  std::int64_t imported = 0;
  /// Rows that stand for no offset, at most: what replays and imports wrote here.
  std::int64_t brought = 0;
  /// Rows that were pruned here, at most.
  std::int64_t pruned = 0;
  bool open_batch = false;
  /// Letters were pruned, or the position was set back behind records that have nothing but a
  /// letter, and count again.
  bool letters_may_lack = false;

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

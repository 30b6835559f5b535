#include "core/crash_ledger.hpp"

#include <utility>

#include "core/own_statements.hpp"
#include "kinbox/reason.hpp"

namespace kinbox {
namespace {

// Each under the fence: a mark of somebody who lost the partition would be charged to a record that
// runs elsewhere.
constexpr std::string_view kBegin =
    "UPDATE {kinbox}.consumer_progress SET "
    "attempt_count = CASE WHEN attempt_offset = $4 THEN attempt_count ELSE 0 END, "
    "attempt_offset = $4, attempting = TRUE "
    "WHERE consumer = $1 AND topic = $2 AND partition = $3 AND epoch = $5 AND owner = $6";

constexpr std::string_view kSurvived =
    "UPDATE {kinbox}.consumer_progress SET attempting = FALSE "
    "WHERE consumer = $1 AND topic = $2 AND partition = $3 AND epoch = $4 AND owner = $5";

constexpr std::string_view kClear =
    "UPDATE {kinbox}.consumer_progress SET suspect = FALSE, attempting = FALSE, "
    "attempt_offset = NULL, attempt_count = 0 "
    "WHERE consumer = $1 AND topic = $2 AND partition = $3 AND epoch = $4 AND owner = $5";

/// What is kept over the end of a process need not be kept over that of the server: no waiting for
/// its disk, twice per record.
void need_not_last(OpenTransaction& tx) {
  if (tx.dialect().backend() == Backend::kPostgres)
    tx.execute("SET LOCAL synchronous_commit = off");
}

}  // namespace

CrashLedger::CrashLedger(Parts parts)
    : parts_(std::move(parts)),
      begin_(parts_.database.dialect().render(kBegin)),
      survived_(parts_.database.dialect().render(kSurvived)),
      clear_(parts_.database.dialect().render(kClear)) {}

std::optional<Failure> CrashLedger::verdict(const OwnedPartition& partition, Offset offset) const {
  const auto& suspicion = partition.claim.suspicion;
  if (!suspicion || suspicion->attempted != offset || suspicion->crashes < parts_.max_crashes)
    return std::nullopt;
  Failure failure;
  failure.reason = reason::kCrashed;
  failure.error_text = "the last " + std::to_string(suspicion->crashes) +
                       " processes that ran it, alone, did not survive it";
  failure.attempts = static_cast<int>(suspicion->crashes);
  return failure;
}

bool CrashLedger::begin(const OwnedPartition& partition, Offset offset) {
  survived();
  bool marked = false;
  // Before: an answer may get lost.
  mark_ = Mark{partition.id, partition.claim.epoch};
  own_transaction(parts_.database, "mark", [&](OpenTransaction& tx) {
    need_not_last(tx);
    marked = tx.execute(begin_, parts_.consumer, partition.id.topic, partition.id.partition, offset,
                        partition.claim.epoch, parts_.owner)
                 .affected_rows() == 1;
  });
  if (!marked) mark_.reset();
  return marked;
}

void CrashLedger::survived() {
  if (!mark_) return;
  own_transaction(parts_.database, "survived", [&](OpenTransaction& tx) {
    need_not_last(tx);
    tx.execute(survived_, parts_.consumer, mark_->partition.topic, mark_->partition.partition,
               mark_->epoch, parts_.owner);
  });
  mark_.reset();
}

void CrashLedger::decided(OwnedPartition& partition) {
  mark_.reset();
  if (++partition.decided_alone < parts_.first_batch) return;
  own_transaction(parts_.database, "end of suspicion", [&](OpenTransaction& tx) {
    tx.execute(clear_, parts_.consumer, partition.id.topic, partition.id.partition,
               partition.claim.epoch, parts_.owner);
  });
  partition.claim.suspicion.reset();
  partition.decided_alone = 0;
}

}  // namespace kinbox

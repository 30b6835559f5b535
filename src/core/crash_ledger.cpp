#include "core/crash_ledger.hpp"

#include <utility>

#include "core/need_not_last.hpp"
#include "core/own_statements.hpp"
#include "core/set_aside.hpp"
#include "kinbox/reason.hpp"

namespace kinbox {
namespace {

// Each under the fence: a mark of somebody who lost the partition would be charged to a record that
// runs elsewhere.
constexpr std::string_view kBegin =
    "UPDATE {kinbox}.consumer_progress SET "
    "attempt_count = CASE WHEN attempt_offset = $4 THEN attempt_count ELSE 0 END, "
    "attempt_offset = $4, attempting = TRUE, attempt_parked = NULL, attempt_letter = NULL "
    "WHERE consumer = $1 AND topic = $2 AND partition = $3 AND epoch = $5 AND owner = $6";

constexpr std::string_view kBeginWaiting =
    "UPDATE {kinbox}.consumer_progress SET "
    "attempting = TRUE, attempt_parked = $4, attempt_letter = $5 "
    "WHERE consumer = $1 AND topic = $2 AND partition = $3 AND epoch = $6 AND owner = $7";

constexpr std::string_view kSurvived =
    "UPDATE {kinbox}.consumer_progress SET attempting = FALSE "
    "WHERE consumer = $1 AND topic = $2 AND partition = $3 AND epoch = $4 AND owner = $5";

constexpr std::string_view kClear =
    "UPDATE {kinbox}.consumer_progress SET suspect = FALSE, attempting = FALSE, "
    "attempt_offset = NULL, attempt_count = 0, attempt_parked = NULL, attempt_letter = NULL "
    "WHERE consumer = $1 AND topic = $2 AND partition = $3 AND epoch = $4 AND owner = $5";

std::int64_t crashes_of(const BatchItem& item) {
  if (item.waited) return item.waited->crashes;
  const auto& suspicion = item.partition->claim.suspicion;
  return suspicion && suspicion->attempted == item.record->offset() ? suspicion->crashes : 0;
}

/// Its row's id, if that is there.
std::optional<std::int64_t> id_in(const BatchItem& item, Waited::Place place) {
  if (item.waited->place != place) return std::nullopt;
  return item.waited->id;
}

}  // namespace

Failure crashed(std::int64_t crashes) {
  Failure failure;
  failure.reason = reason::kCrashed;
  failure.error_text =
      "the last " + std::to_string(crashes) + " processes that ran it, alone, did not survive it";
  failure.attempts = static_cast<int>(crashes);
  return failure;
}

CrashLedger::CrashLedger(Parts parts)
    : parts_(std::move(parts)),
      begin_(parts_.database.dialect().render(kBegin)),
      begin_waiting_(parts_.database.dialect().render(kBeginWaiting)),
      survived_(parts_.database.dialect().render(kSurvived)),
      clear_(parts_.database.dialect().render(kClear)) {}

bool CrashLedger::suspects(const BatchItem& item) const noexcept {
  const auto& partition = *item.partition;
  const auto alone = item.waited ? partition.redriven_alone : partition.decided_alone;
  return partition.claim.suspicion && alone < parts_.first_batch;
}

std::optional<Failure> CrashLedger::verdict(const BatchItem& item) const {
  const auto crashes = crashes_of(item);
  if (crashes < parts_.max_crashes) return std::nullopt;
  auto failure = crashed(crashes);
  if (item.waited) failure.attempts += item.waited->attempts;
  return failure;
}

bool CrashLedger::begin(const BatchItem& item) {
  survived();
  const auto& [topic, partition] = item.partition->id;
  const auto epoch = item.partition->claim.epoch;
  bool marked = false;
  // Before: an answer may get lost.
  mark_ = Mark{item.partition->id, epoch};
  own_transaction(parts_.database, "mark", [&](OpenTransaction& tx) {
    need_not_last(tx);
    const auto done = item.waited
                          ? tx.execute(begin_waiting_, parts_.consumer, topic, partition,
                                       id_in(item, Waited::Place::kParked),
                                       id_in(item, Waited::Place::kLetter), epoch, parts_.owner)
                          : tx.execute(begin_, parts_.consumer, topic, partition,
                                       item.record->offset(), epoch, parts_.owner);
    marked = done.affected_rows() == 1;
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

void CrashLedger::decided(const BatchItem& item) {
  mark_.reset();
  auto& partition = *item.partition;
  ++(item.waited ? partition.redriven_alone : partition.decided_alone);
  if (partition.decided_alone < parts_.first_batch) return;
  const auto due = next_redrive(partition);
  const bool some_wait = due && *due <= std::chrono::steady_clock::now();
  if (!some_wait || partition.redriven_alone >= parts_.first_batch) end_suspicion(partition);
}

void CrashLedger::nothing_due(OwnedPartition& partition) {
  if (partition.claim.suspicion && partition.decided_alone >= parts_.first_batch)
    end_suspicion(partition);
}

void CrashLedger::end_suspicion(OwnedPartition& partition) {
  own_transaction(parts_.database, "end of suspicion", [&](OpenTransaction& tx) {
    tx.execute(clear_, parts_.consumer, partition.id.topic, partition.id.partition,
               partition.claim.epoch, parts_.owner);
  });
  partition.claim.suspicion.reset();
  partition.decided_alone = 0;
  partition.redriven_alone = 0;
}

}  // namespace kinbox

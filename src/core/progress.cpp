#include "kinbox/progress.hpp"

#include <atomic>

namespace kinbox {
namespace {

constexpr std::string_view kCreate =
    "INSERT INTO {kinbox}.consumer_progress (consumer, topic, partition, first_offset, "
    "next_offset) "
    "VALUES ($1, $2, $3, $4, $4) ON CONFLICT (consumer, topic, partition) DO NOTHING";

// Whoever takes what it has itself lost a connection or a claim, not its process. The columns on
// the right are those from before.
constexpr std::string_view kTake =
    "UPDATE {kinbox}.consumer_progress SET "
    "suspect = (suspect OR (NOT clean_stop AND owner <> $4)), "
    "attempt_count = attempt_count + "
    "CASE WHEN attempting AND attempt_parked IS NULL AND attempt_letter IS NULL "
    "AND NOT clean_stop AND owner <> $4 THEN 1 ELSE 0 END, "
    "attempt_parked = "
    "CASE WHEN attempting AND (owner = $4 OR NOT clean_stop) THEN attempt_parked END, "
    "attempt_letter = "
    "CASE WHEN attempting AND (owner = $4 OR NOT clean_stop) THEN attempt_letter END, "
    "attempting = (attempting AND owner = $4), "
    "epoch = epoch + 1, owner = $4, owner_session = $5, state = 'running', state_reason = '', "
    "topic_id = CASE WHEN topic_id = '' THEN $6 ELSE topic_id END, clean_stop = FALSE, "
    "updated_at = {now} WHERE consumer = $1 AND topic = $2 AND partition = $3 "
    "RETURNING epoch, next_offset, control_version, topic_id, suspect, attempt_offset, "
    "attempt_count, attempting, attempt_parked, attempt_letter, held_by";

// Behind a taking that found one of what was set aside as the last thing of a process.
constexpr std::string_view kChargeParked =
    "UPDATE {kinbox}.parked_events SET crashes = crashes + 1 WHERE id = $1";
constexpr std::string_view kChargeLetter =
    "UPDATE {kinbox}.letters SET crashes = crashes + 1 WHERE id = $1";
constexpr std::string_view kCharged =
    "UPDATE {kinbox}.consumer_progress SET attempt_parked = NULL, attempt_letter = NULL "
    "WHERE consumer = $1 AND topic = $2 AND partition = $3";

// The fence. Epoch and owner both: after a restore from backup epochs repeat, owners do not.
constexpr std::string_view kOpen =
    "UPDATE {kinbox}.consumer_progress SET next_offset = $4, open_batch = 1, owner_session = $9, "
    "updated_at = {now} "
    "WHERE consumer = $1 AND topic = $2 AND partition = $3 "
    "AND next_offset = $5 AND epoch = $6 AND owner = $7 AND control_version = $8";

constexpr std::string_view kClose =
    "UPDATE {kinbox}.consumer_progress SET open_batch = NULL, applied = applied + $4, "
    "duplicates = duplicates + $5, parked = parked + $6, dead = dead + $7, skipped = skipped + $8, "
    "gaps = gaps + $9, attempting = FALSE "
    "WHERE consumer = $1 AND topic = $2 AND partition = $3";

constexpr std::string_view kReport =
    "UPDATE {kinbox}.consumer_progress SET state = $7, state_reason = $4, updated_at = {now} "
    "WHERE consumer = $1 AND topic = $2 AND partition = $3 AND epoch = $5 AND owner = $6";

constexpr std::string_view kLeave =
    "UPDATE {kinbox}.consumer_progress SET clean_stop = TRUE, updated_at = {now} "
    "WHERE consumer = $1 AND topic = $2 AND partition = $3 AND epoch = $4 AND owner = $5";

std::optional<Suspicion> suspicion_in(const Row& row) {
  if (!row.get<bool>("suspect")) return std::nullopt;
  return Suspicion{row.get<std::optional<std::int64_t>>("attempt_offset"),
                   row.get<std::int64_t>("attempt_count")};
}

}  // namespace

Progress::Progress(std::string consumer, std::string owner, const Dialect& dialect)
    : consumer_(std::move(consumer)),
      owner_(std::move(owner)),
      create_(dialect.render(kCreate)),
      take_(dialect.render(kTake)),
      charge_parked_(dialect.render(kChargeParked)),
      charge_letter_(dialect.render(kChargeLetter)),
      charged_(dialect.render(kCharged)),
      open_(dialect.render(kOpen)),
      close_(dialect.render(kClose)),
      report_(dialect.render(kReport)),
      leave_(dialect.render(kLeave)) {}

void Progress::create(OpenTransaction& tx, const TopicPartition& partition,
                      Offset first_offset) const {
  tx.execute(create_, consumer_, partition.topic, partition.partition, first_offset);
}

std::optional<PartitionClaim> Progress::take(OpenTransaction& tx, const TopicPartition& partition,
                                             std::string_view session,
                                             std::string_view topic_id) const {
  const auto rows =
      tx.query(take_, consumer_, partition.topic, partition.partition, owner_, session, topic_id);
  if (rows.empty()) return std::nullopt;
  static std::atomic<std::int64_t> takings = 0;
  if (!rows[0].get<bool>("attempting")) charge_waiting(tx, partition, rows[0]);
  return PartitionClaim{.epoch = rows[0].get<std::int64_t>("epoch"),
                        .next_offset = rows[0].get<std::int64_t>("next_offset"),
                        .control_version = rows[0].get<std::int64_t>("control_version"),
                        .taking = ++takings,
                        .topic_id = rows[0].get<std::string>("topic_id"),
                        .suspicion = suspicion_in(rows[0]),
                        .held_by = rows[0].get<std::optional<std::int64_t>>("held_by")};
}

void Progress::charge_waiting(OpenTransaction& tx, const TopicPartition& partition,
                              const Row& taken) const {
  const auto parked = taken.get<std::optional<std::int64_t>>("attempt_parked");
  const auto letter = taken.get<std::optional<std::int64_t>>("attempt_letter");
  if (!parked && !letter) return;
  if (parked) tx.execute(charge_parked_, *parked);
  if (letter) tx.execute(charge_letter_, *letter);
  tx.execute(charged_, consumer_, partition.topic, partition.partition);
}

Progress::Opening Progress::open(OpenTransaction& tx, const TopicPartition& partition,
                                 const PartitionClaim& claim, Offset next_offset,
                                 std::string_view session) const {
  return Opening(tx.execute(open_, consumer_, partition.topic, partition.partition, next_offset,
                            claim.next_offset, claim.epoch, owner_, claim.control_version,
                            session));
}

void Progress::close(OpenTransaction& tx, const TopicPartition& partition,
                     const Tally& tally) const {
  tx.execute(close_, consumer_, partition.topic, partition.partition, tally.applied,
             tally.duplicates, tally.parked, tally.dead, tally.skipped, tally.gaps);
}

void Progress::halt(OpenTransaction& tx, const TopicPartition& partition,
                    const PartitionClaim& claim, std::string_view reason) const {
  report(tx, partition, claim, "halted", reason);
}

void Progress::open_breaker(OpenTransaction& tx, const TopicPartition& partition,
                            const PartitionClaim& claim, std::string_view reason) const {
  report(tx, partition, claim, "breaker_open", reason);
}

void Progress::resume(OpenTransaction& tx, const TopicPartition& partition,
                      const PartitionClaim& claim) const {
  report(tx, partition, claim, "running", "");
}

void Progress::report(OpenTransaction& tx, const TopicPartition& partition,
                      const PartitionClaim& claim, std::string_view state,
                      std::string_view reason) const {
  tx.execute(report_, consumer_, partition.topic, partition.partition, reason, claim.epoch, owner_,
             state);
}

void Progress::leave(OpenTransaction& tx, const TopicPartition& partition,
                     const PartitionClaim& claim) const {
  tx.execute(leave_, consumer_, partition.topic, partition.partition, claim.epoch, owner_);
}

}  // namespace kinbox

#include "core/replay/replay_crashes.hpp"

#include "core/crash_ledger.hpp"
#include "core/need_not_last.hpp"
#include "core/own_statements.hpp"
#include "core/replaced.hpp"
#include "core/stored_record.hpp"

namespace kinbox {
namespace {

// Whoever takes what it has itself lost a connection, not its process.
constexpr std::string_view kCharge =
    "INSERT INTO {kinbox}.replay_crashes AS c (replay_id, topic, partition, record_offset, "
    "crashes) "
    "SELECT replay_id, topic, partition, attempting, 1 FROM {kinbox}.replay_progress "
    "WHERE replay_id = $1 AND attempting IS NOT NULL AND EXISTS "
    "(SELECT 1 FROM {kinbox}.replays WHERE id = $1 AND NOT clean_stop AND owner <> $2) "
    "ON CONFLICT (replay_id, topic, partition, record_offset) "
    "DO UPDATE SET crashes = c.crashes + 1";
constexpr std::string_view kSuspect =
    "UPDATE {kinbox}.replay_progress SET suspect = TRUE "
    "WHERE replay_id = $1 AND next_offset < end_offset AND EXISTS "
    "(SELECT 1 FROM {kinbox}.replays WHERE id = $1 AND NOT clean_stop AND owner <> $2)";
constexpr std::string_view kUnmark =
    "UPDATE {kinbox}.replay_progress SET attempting = NULL "
    "WHERE replay_id = $1 AND attempting IS NOT NULL";
constexpr std::string_view kSuspicions =
    "SELECT topic, partition, next_offset FROM {kinbox}.replay_progress "
    "WHERE replay_id = $1 AND suspect AND next_offset < end_offset";
constexpr std::string_view kCrashes =
    "SELECT topic, partition, record_offset, crashes FROM {kinbox}.replay_crashes "
    "WHERE replay_id = $1";

// Each under the fence: a mark of somebody who was relieved would be charged to a record that runs
// elsewhere.
constexpr std::string_view kOurs =
    "replay_id = $1 AND topic = $2 AND partition = $3 AND EXISTS (SELECT 1 FROM {kinbox}.replays "
    "WHERE id = $1 AND owner = $4 AND state IN ('running', 'trial'))";
constexpr std::string_view kBegin =
    "UPDATE {kinbox}.replay_progress SET attempting = $5 WHERE {ours}";
constexpr std::string_view kBeginInTrial =
    "UPDATE {kinbox}.replay_progress SET attempting = $5, next_offset = $5 WHERE {ours}";
constexpr std::string_view kSurvived =
    "UPDATE {kinbox}.replay_progress SET attempting = NULL WHERE {ours}";
constexpr std::string_view kReached =
    "UPDATE {kinbox}.replay_progress SET attempting = NULL, next_offset = $5 WHERE {ours}";
constexpr std::string_view kEndSuspicion =
    "UPDATE {kinbox}.replay_progress SET suspect = FALSE WHERE {ours}";

std::string ours(const Dialect& dialect, std::string_view sql) {
  return dialect.render(replaced(sql, "{ours}", kOurs));
}

}  // namespace

ReplayCrashes::ReplayCrashes(const Parts& parts)
    : parts_(parts),
      charge_(parts.database.dialect().render(kCharge)),
      suspect_(parts.database.dialect().render(kSuspect)),
      unmark_(parts.database.dialect().render(kUnmark)),
      suspicions_of_(parts.database.dialect().render(kSuspicions)),
      crashes_of_(parts.database.dialect().render(kCrashes)),
      begin_(ours(parts.database.dialect(), parts.of == Of::kTrial ? kBeginInTrial : kBegin)),
      survived_(ours(parts.database.dialect(), kSurvived)),
      reached_(ours(parts.database.dialect(), kReached)),
      end_suspicion_(ours(parts.database.dialect(), kEndSuspicion)) {}

void ReplayCrashes::take(OpenTransaction& tx, std::int64_t replay, std::string_view owner) {
  replay_ = replay;
  owner_ = owner;
  tx.execute(charge_, replay, owner);
  tx.execute(suspect_, replay, owner);
  tx.execute(unmark_, replay);
  suspicions_.clear();
  for (const auto row : tx.query(suspicions_of_, replay))
    suspicions_[stored_partition(row)].from = row.get<std::int64_t>("next_offset");
  crashes_.clear();
  for (const auto row : tx.query(crashes_of_, replay))
    crashes_[{stored_partition(row), row.get<std::int64_t>("record_offset")}] =
        row.get<std::int64_t>("crashes");
}

bool ReplayCrashes::suspects(const Place& place) const {
  const auto suspicion = suspicions_.find(place.partition);
  return suspicion != suspicions_.end() && place.offset >= suspicion->second.from;
}

std::optional<Failure> ReplayCrashes::verdict(const Place& place) const {
  const auto found = crashes_.find(place);
  if (found == crashes_.end() || found->second < parts_.max_crashes) return std::nullopt;
  return crashed(found->second);
}

bool ReplayCrashes::begin(const Place& place) {
  survived();
  const auto& [topic, partition] = place.partition;
  bool ours = false;
  // Before: an answer may get lost.
  marked_ = place.partition;
  own_transaction(parts_.database, "mark", [&](OpenTransaction& tx) {
    need_not_last(tx);
    ours = tx.execute(begin_, replay_, topic, partition, owner_, place.offset).affected_rows() == 1;
  });
  if (!ours) marked_.reset();
  return ours;
}

void ReplayCrashes::survived() {
  if (!marked_) return;
  own_transaction(parts_.database, "survived", [&](OpenTransaction& tx) {
    need_not_last(tx);
    tx.execute(survived_, replay_, marked_->topic, marked_->partition, owner_);
  });
  marked_.reset();
}

void ReplayCrashes::decided(const TopicPartition& partition) {
  marked_.reset();
  const auto suspicion = suspicions_.find(partition);
  if (suspicion == suspicions_.end() || ++suspicion->second.alone < parts_.first_batch) return;
  own_transaction(parts_.database, "end of suspicion", [&](OpenTransaction& tx) {
    tx.execute(end_suspicion_, replay_, partition.topic, partition.partition, owner_);
  });
  suspicions_.erase(suspicion);
}

void ReplayCrashes::reached(const std::map<TopicPartition, Offset>& offsets) {
  own_transaction(parts_.database, "mark", [&](OpenTransaction& tx) {
    need_not_last(tx);
    for (const auto& [partition, offset] : offsets)
      tx.execute(reached_, replay_, partition.topic, partition.partition, owner_, offset);
  });
}

}  // namespace kinbox

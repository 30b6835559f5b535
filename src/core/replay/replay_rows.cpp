#include "core/replay/replay_rows.hpp"

#include <algorithm>
#include <chrono>

#include "core/coordinates_text.hpp"
#include "core/replaced.hpp"
#include "core/sql_moment.hpp"
#include "core/stored_record.hpp"
#include "kinbox/errors.hpp"

namespace kinbox {
namespace {

constexpr std::string_view kInsert =
    "INSERT INTO {kinbox}.replays (consumer, mode, plan_hash, plan, who, audit_id) "
    "VALUES ($1, $2, $3, $4, $5, $6) RETURNING id";
constexpr std::string_view kInsertTrial =
    "INSERT INTO {kinbox}.replays (consumer, mode, state, plan_hash, plan, who) "
    "VALUES ($1, 'trial', 'trial', '', '', '') RETURNING id";
constexpr std::string_view kInsertFence =
    "INSERT INTO {kinbox}.replay_progress "
    "(replay_id, topic, partition, begin_offset, next_offset, end_offset, open_batch) "
    "VALUES ($1, '', 0, 0, 0, 0, 1)";
// Ids never repeat, so generations grow, whatever was pruned.
constexpr std::string_view kOpenGeneration =
    "UPDATE {kinbox}.replays SET generation = id WHERE id = $1";
constexpr std::string_view kInsertPiece =
    "INSERT INTO {kinbox}.replay_progress "
    "(replay_id, topic, partition, topic_id, begin_offset, next_offset, end_offset) "
    "VALUES ($1, $2, $3, $4, $5, $5, $6)";
// Raises the control version as Control::lock does: the owner's next batch misses its claim.
constexpr std::string_view kHold =
    "UPDATE {kinbox}.consumer_progress SET held_by = $4, control_version = control_version + 1 "
    "WHERE consumer = $1 AND topic = $2 AND partition = $3 RETURNING next_offset";
// Takes the row's lock: whoever prunes and looked for replays before is done by then.
constexpr std::string_view kPosition =
    "UPDATE {kinbox}.consumer_progress SET held_by = held_by "
    "WHERE consumer = $1 AND topic = $2 AND partition = $3 RETURNING next_offset";
constexpr std::string_view kActivate =
    "UPDATE {kinbox}.consumers SET active_replay = $2, control_version = control_version + 1 "
    "WHERE name = $1";

constexpr std::string_view kColumns =
    "SELECT id, consumer, mode, state, state_reason, generation, plan_hash, plan, prepared, owner "
    "FROM {kinbox}.replays WHERE ";

constexpr std::string_view kProgress =
    "SELECT topic, partition, topic_id, begin_offset, next_offset, end_offset, applied, known, "
    "dead, left_alone, silenced FROM {kinbox}.replay_progress WHERE replay_id = $1 "
    "ORDER BY topic, partition";

constexpr std::string_view kTake =
    "UPDATE {kinbox}.replays SET owner = $2, owner_session = $3, clean_stop = FALSE, "
    "updated_at = {now} WHERE id = $1 AND state = 'running'";
constexpr std::string_view kLeave =
    "UPDATE {kinbox}.replays SET clean_stop = TRUE WHERE id = $1 AND owner = $2";
constexpr std::string_view kPrepared =
    "UPDATE {kinbox}.replays SET prepared = TRUE WHERE id = $1 AND owner = $2 AND NOT prepared";
constexpr std::string_view kTouch =
    "UPDATE {kinbox}.replays SET updated_at = {now}, seen_until = {until} "
    "WHERE id = $1 AND owner = $2";

// The fence. next_offset keeps two owners apart in any case; the rest stops the earlier one soon.
constexpr std::string_view kOpen =
    "UPDATE {kinbox}.replay_progress SET next_offset = $4, open_batch = 1, attempting = NULL "
    "WHERE replay_id = $1 AND topic = $2 AND partition = $3 AND next_offset = $5 "
    "AND EXISTS (SELECT 1 FROM {kinbox}.replays "
    "WHERE id = $1 AND owner = $6 AND state = 'running')";
constexpr std::string_view kClose =
    "UPDATE {kinbox}.replay_progress SET open_batch = NULL, applied = applied + $4, "
    "known = known + $5, dead = dead + $6, left_alone = left_alone + $7, silenced = silenced + $8, "
    "fresh = fresh + $9 "
    "WHERE replay_id = $1 AND topic = $2 AND partition = $3";

constexpr std::string_view kPause =
    "UPDATE {kinbox}.replays SET state = 'paused', state_reason = $2, updated_at = {now} "
    "WHERE id = $1 AND state = 'running'";
constexpr std::string_view kResume =
    "UPDATE {kinbox}.replays SET state = 'running', state_reason = '', updated_at = {now} "
    "WHERE id = $1 AND state = 'paused'";
constexpr std::string_view kForgive = "DELETE FROM {kinbox}.replay_crashes WHERE replay_id = $1";
constexpr std::string_view kEnd =
    "UPDATE {kinbox}.replays SET state = $2, state_reason = '', seen_until = NULL, "
    "updated_at = {now}, ended_at = {now} WHERE id = $1 AND state IN ('running', 'paused') "
    "RETURNING consumer";
// The replay's own row may be pruned.
constexpr std::string_view kAddUp =
    "UPDATE {kinbox}.consumer_progress SET brought = brought + "
    "(SELECT fresh FROM {kinbox}.replay_progress "
    "WHERE replay_id = $4 AND topic = $2 AND partition = $3) "
    "WHERE consumer = $1 AND topic = $2 AND partition = $3";
constexpr std::string_view kRelease =
    "UPDATE {kinbox}.consumer_progress SET held_by = NULL, control_version = control_version + 1 "
    "WHERE consumer = $1 AND topic = $2 AND partition = $3 AND held_by = $4";
constexpr std::string_view kDeactivate =
    "UPDATE {kinbox}.consumers SET active_replay = NULL, control_version = control_version + 1 "
    "WHERE name = $1 AND active_replay = $2";

constexpr std::chrono::milliseconds kSeenFor = std::chrono::seconds{15};

ReplayRow row_of(const Row& row) {
  return {.id = row.get<std::int64_t>("id"),
          .consumer = row.get<std::string>("consumer"),
          .mode = row.get<std::string>("mode"),
          .state = row.get<std::string>("state"),
          .state_reason = row.get<std::string>("state_reason"),
          .generation = row.get<std::int64_t>("generation"),
          .plan_hash = row.get<std::string>("plan_hash"),
          .plan = row.get<std::string>("plan"),
          .prepared = row.get<bool>("prepared"),
          .owner = row.get<std::string>("owner")};
}

}  // namespace

ReplayRows::ReplayRows(const Dialect& dialect)
    : insert_(dialect.render(kInsert)),
      insert_trial_(dialect.render(kInsertTrial)),
      insert_fence_(dialect.render(kInsertFence)),
      open_generation_(dialect.render(kOpenGeneration)),
      insert_piece_(dialect.render(kInsertPiece)),
      hold_(dialect.render(kHold)),
      position_(dialect.render(kPosition)),
      activate_(dialect.render(kActivate)),
      find_(dialect.render(std::string(kColumns) + "id = $1")),
      active_(dialect.render(std::string(kColumns) +
                             "consumer = $1 AND state IN ('running', 'paused')")),
      progress_(dialect.render(kProgress)),
      take_(dialect.render(kTake)),
      leave_(dialect.render(kLeave)),
      prepared_(dialect.render(kPrepared)),
      touch_(dialect.render(replaced(kTouch, "{until}", sql_moment(dialect, "$3")))),
      open_(dialect.render(kOpen)),
      close_(dialect.render(kClose)),
      pause_(dialect.render(kPause)),
      resume_(dialect.render(kResume)),
      forgive_(dialect.render(kForgive)),
      end_(dialect.render(kEnd)),
      add_up_(dialect.render(kAddUp)),
      release_(dialect.render(kRelease)),
      deactivate_(dialect.render(kDeactivate)) {}

std::int64_t ReplayRows::record(OpenTransaction& tx, const NewReplay& replay) const {
  if (const auto other = active(tx, replay.consumer))
    throw RefusedError("replay " + std::to_string(other->id) + " of consumer " + replay.consumer +
                       " is " + other->state +
                       ", and there can be one at a time; see `kinbox "
                       "replay status`, and end that one with `replay resume` or `replay cancel`");
  const auto id = insert(tx, replay);
  auto pieces = replay.pieces;
  // The order in which batches lock positions.
  std::sort(pieces.begin(), pieces.end(),
            [](const auto& a, const auto& b) { return a.slice.partition < b.slice.partition; });
  const auto& choices = replay.choices;
  const bool holds = choices.mode == ReplayMode::kReprocess && !choices.beside_live;
  for (const auto& piece : pieces) {
    const auto& [partition, begin, end] = piece.slice;
    const auto live = holds ? hold(tx, replay.consumer, partition, id)
                            : live_position(tx, replay.consumer, partition);
    if (live < end)
      throw RefusedError("the plan reaches to offset " + std::to_string(end) + " of " +
                         partition_text(partition) + ", but the consumer's position there is " +
                         std::to_string(live) +
                         " by now: a replay never passes it. Plan again with `kinbox replay plan`");
    tx.execute(insert_piece_, id, partition.topic, partition.partition, piece.topic_id, begin,
               piece.to_live_position ? live : end);
  }
  tx.execute(activate_, replay.consumer, id);
  return id;
}

std::int64_t ReplayRows::insert(OpenTransaction& tx, const NewReplay& replay) const {
  const auto rows = tx.query(insert_, replay.consumer, to_text(replay.choices.mode),
                             replay.plan_hash, replay.plan, replay.who, replay.audit_id);
  const auto id = rows[0].get<std::int64_t>(0);
  if (replay.choices.mode == ReplayMode::kReprocess) tx.execute(open_generation_, id);
  return id;
}

Offset ReplayRows::hold(OpenTransaction& tx, std::string_view consumer,
                        const TopicPartition& partition, std::int64_t id) const {
  const auto rows = tx.query(hold_, consumer, partition.topic, partition.partition, id);
  return rows.empty() ? 0 : rows[0].get<std::int64_t>(0);
}

Offset ReplayRows::live_position(OpenTransaction& tx, std::string_view consumer,
                                 const TopicPartition& partition) const {
  const auto rows = tx.query(position_, consumer, partition.topic, partition.partition);
  return rows.empty() ? 0 : rows[0].get<std::int64_t>(0);
}

void ReplayRows::fence(OpenTransaction& tx, std::string_view consumer) const {
  const auto rows = tx.query(insert_trial_, consumer);
  tx.execute(insert_fence_, rows[0].get<std::int64_t>(0));
}

std::optional<ReplayRow> ReplayRows::one(OpenTransaction& tx, const std::string& sql,
                                         SqlParam of) const {
  const auto rows = tx.query_with(sql, {&of, 1});
  if (rows.empty()) return std::nullopt;
  return row_of(rows[0]);
}

std::optional<ReplayRow> ReplayRows::find(OpenTransaction& tx, std::int64_t id) const {
  return one(tx, find_, SqlParam(id));
}

std::optional<ReplayRow> ReplayRows::active(OpenTransaction& tx, std::string_view consumer) const {
  return one(tx, active_, SqlParam(consumer));
}

std::vector<Replayer::Progress> ReplayRows::progress(OpenTransaction& tx, std::int64_t id) const {
  std::vector<Replayer::Progress> found;
  for (const auto row : tx.query(progress_, id))
    found.push_back({.partition = stored_partition(row),
                     .topic_id = row.get<std::string>("topic_id"),
                     .begin = row.get<std::int64_t>("begin_offset"),
                     .next = row.get<std::int64_t>("next_offset"),
                     .end = row.get<std::int64_t>("end_offset"),
                     .applied = row.get<std::int64_t>("applied"),
                     .known = row.get<std::int64_t>("known"),
                     .dead = row.get<std::int64_t>("dead"),
                     .left_alone = row.get<std::int64_t>("left_alone"),
                     .silenced = row.get<std::int64_t>("silenced")});
  return found;
}

bool ReplayRows::take(OpenTransaction& tx, std::int64_t id, std::string_view owner,
                      std::string_view session) const {
  return tx.execute(take_, id, owner, session).affected_rows() == 1;
}

void ReplayRows::leave(OpenTransaction& tx, std::int64_t id, std::string_view owner) const {
  tx.execute(leave_, id, owner);
}

bool ReplayRows::prepare(OpenTransaction& tx, std::int64_t id, std::string_view owner) const {
  return tx.execute(prepared_, id, owner).affected_rows() == 1;
}

void ReplayRows::touch(OpenTransaction& tx, std::int64_t id, std::string_view owner) const {
  tx.execute(touch_, id, owner, kSeenFor.count());
}

Executed ReplayRows::open(OpenTransaction& tx, std::int64_t id, std::string_view owner,
                          const Replayer::Progress& from, Offset next_offset) const {
  return tx.execute(open_, id, from.partition.topic, from.partition.partition, next_offset,
                    from.next, owner);
}

void ReplayRows::close(OpenTransaction& tx, std::int64_t id, const Replayer::Progress& tally,
                       std::int64_t fresh) const {
  tx.execute(close_, id, tally.partition.topic, tally.partition.partition, tally.applied,
             tally.known, tally.dead, tally.left_alone, tally.silenced, fresh);
}

bool ReplayRows::pause(OpenTransaction& tx, std::int64_t id, std::string_view reason) const {
  return tx.execute(pause_, id, reason).affected_rows() == 1;
}

bool ReplayRows::resume(OpenTransaction& tx, std::int64_t id) const {
  if (tx.execute(resume_, id).affected_rows() != 1) return false;
  tx.execute(forgive_, id);
  return true;
}

bool ReplayRows::end(OpenTransaction& tx, std::int64_t id, std::string_view state) const {
  const auto rows = tx.query(end_, id, state);
  if (rows.empty()) return false;
  const auto consumer = rows[0].get<std::string>(0);
  for (const auto& piece : progress(tx, id)) {
    tx.execute(add_up_, consumer, piece.partition.topic, piece.partition.partition, id);
    tx.execute(release_, consumer, piece.partition.topic, piece.partition.partition, id);
  }
  tx.execute(deactivate_, consumer, id);
  return true;
}

}  // namespace kinbox

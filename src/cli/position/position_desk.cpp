#include "cli/position/position_desk.hpp"

#include <algorithm>
#include <chrono>

#include "cli/position/forgotten_rows.hpp"
#include "core/control.hpp"
#include "core/coordinates_text.hpp"
#include "core/iso_time.hpp"
#include "core/own_statements.hpp"
#include "core/stored_record.hpp"

namespace kinbox::cli {
namespace {

constexpr std::string_view kPositions =
    "SELECT p.consumer, coalesce(c.group_id, '') AS group_id, p.topic, p.partition, p.topic_id, "
    "p.first_offset, p.next_offset, p.dedup_floor, p.epoch, p.owner, p.state, p.state_reason, "
    "p.clean_stop, p.held_by, coalesce(w.host || ' pid ' || w.pid, '') AS owner_at "
    "FROM {kinbox}.consumer_progress AS p "
    "LEFT JOIN {kinbox}.consumers AS c ON c.name = p.consumer "
    "LEFT JOIN {kinbox}.workers AS w ON w.owner = p.owner AND w.seen_until >= {now} "
    "WHERE $1 = '' OR p.consumer = $1 ORDER BY p.consumer, p.topic, p.partition";

constexpr std::string_view kAtWork =
    "SELECT host, pid FROM {kinbox}.workers WHERE consumer = $1 AND seen_until >= {now} "
    "ORDER BY host, pid LIMIT 1";
constexpr std::string_view kReplay =
    "SELECT id FROM {kinbox}.replays WHERE consumer = $1 AND state IN ('running', 'paused')";

constexpr std::string_view kCreate =
    "INSERT INTO {kinbox}.consumer_progress (consumer, topic, partition, first_offset, "
    "next_offset, dedup_floor) VALUES ($1, $2, $3, $4, $4, $4) "
    "ON CONFLICT (consumer, topic, partition) DO NOTHING";

// The columns on the right are those from before. What was known from some offset on is known from
// the lower of both when the position goes back, and from its end on when it goes forward.
constexpr std::string_view kShift =
    "UPDATE {kinbox}.consumer_progress SET first_offset = first_offset + $5 - next_offset, "
    "next_offset = $5, dedup_floor = CASE WHEN $5 > next_offset THEN $5 "
    "WHEN first_offset > $5 OR dedup_floor > $5 THEN $5 "
    "WHEN first_offset > dedup_floor THEN first_offset ELSE dedup_floor END, "
    "lowest_offset = CASE WHEN coalesce(lowest_offset, first_offset) < $5 "
    "THEN coalesce(lowest_offset, first_offset) ELSE $5 END, "
    "highest_offset = CASE WHEN highest_offset > next_offset THEN highest_offset "
    "ELSE next_offset END, "
    "state = 'running', state_reason = '', attempt_offset = NULL, attempt_count = 0, "
    "attempting = FALSE, updated_at = {now} "
    "WHERE consumer = $1 AND topic = $2 AND partition = $3 AND next_offset = $4";

constexpr std::string_view kPassOver =
    "UPDATE {kinbox}.consumer_progress SET gaps = gaps + $5 - next_offset, next_offset = $5, "
    "state = 'running', state_reason = '', attempt_offset = NULL, attempt_count = 0, "
    "attempting = FALSE, updated_at = {now} "
    "WHERE consumer = $1 AND topic = $2 AND partition = $3 AND next_offset = $4 "
    "AND $5 > next_offset";

constexpr std::string_view kForgetTopic =
    "UPDATE {kinbox}.consumer_progress SET topic_id = '' "
    "WHERE consumer = $1 AND topic = $2 AND partition = $3";

constexpr std::string_view kParked =
    "SELECT count(*) FROM {kinbox}.parked_events "
    "WHERE consumer = $1 AND topic = $2 AND partition = $3";

// Letters are known by their coordinates, and those to come have the same. Imported ones are known
// by those of the topic they came from.
constexpr std::string_view kOldLetters =
    "UPDATE {kinbox}.letters SET topic_id = topic_id || $5 "
    "WHERE consumer = $1 AND topic = $2 AND partition = $3 AND record_offset >= $4 "
    "AND topic_id NOT LIKE '% until %' AND topic_id NOT LIKE 'dlq:%'";

constexpr std::string_view kUndone =
    "SELECT count(*) FROM {kinbox}.unresolved_letters WHERE consumer = $1 AND topic = $2 "
    "AND partition = $3 AND state IN ('open', 'requested') AND event_id IS NOT NULL";

constexpr std::string_view kRelease =
    "UPDATE {kinbox}.consumer_progress SET state = 'running', state_reason = '', "
    "updated_at = {now} "
    "WHERE consumer = $1 AND topic = $2 AND partition = $3 AND state = 'halted'";

std::vector<TopicPartition> partitions_of(PositionDesk::Moves moves) {
  std::vector<TopicPartition> partitions;
  for (const auto& move : moves) partitions.push_back(move.partition);
  return partitions;
}

std::int64_t count(OpenTransaction& tx, std::string_view sql, const std::string& consumer,
                   const TopicPartition& partition) {
  return tx.query(tx.dialect().render(sql), consumer, partition.topic, partition.partition)[0]
      .get<std::int64_t>(0);
}

void require_inactive(OpenTransaction& tx, const std::string& consumer) {
  const auto at_work = tx.query(tx.dialect().render(kAtWork), consumer);
  if (!at_work.empty())
    throw PositionRefused("consumer " + consumer + " is at work: process " +
                          std::to_string(at_work[0].get<std::int64_t>("pid")) + " on " +
                          at_work[0].get<std::string>("host") +
                          " is one of its workers; stop them (kinbox run ends in order on "
                          "SIGTERM) and repeat the command");
  const auto replays = tx.query(tx.dialect().render(kReplay), consumer);
  if (!replays.empty())
    throw PositionRefused("replay " + std::to_string(replays[0].get<std::int64_t>("id")) +
                          " of consumer " + consumer +
                          " is not done, and ends where the position was; let it finish or cancel "
                          "it (kinbox replay cancel)");
}

void require_nothing_parked(OpenTransaction& tx, const std::string& consumer,
                            const TopicPartition& partition) {
  if (const auto parked = count(tx, kParked, consumer, partition); parked > 0)
    throw PositionRefused(std::to_string(parked) + " events of " + partition_text(partition) +
                          " are parked, and the new ones of their keys would come before them; "
                          "make them dead letters first: kinbox parked dead-letter --whole-queues "
                          "--consumer " +
                          consumer + " --topic " + partition.topic);
}

/// For events that are known by offsets that begin anew.
void require_nothing_undone(OpenTransaction& tx, const std::string& consumer,
                            const TopicPartition& partition) {
  if (const auto undone = count(tx, kUndone, consumer, partition); undone > 0)
    throw PositionRefused("the events of " + partition_text(partition) +
                          " are known by their offsets, which begin anew, and " +
                          std::to_string(undone) +
                          " dead letters are open; retry or discard them first (kinbox dlq)");
}

StoredPosition position_of(const Row& row) {
  StoredPosition position;
  position.consumer = row.get<std::string>("consumer");
  position.group = row.get<std::string>("group_id");
  position.partition = stored_partition(row);
  position.topic_id = row.get<std::string>("topic_id");
  position.first_offset = row.get<std::int64_t>("first_offset");
  position.next_offset = row.get<std::int64_t>("next_offset");
  position.dedup_floor = row.get<std::int64_t>("dedup_floor");
  position.epoch = row.get<std::int64_t>("epoch");
  position.owner = row.get<std::string>("owner");
  position.owner_at = row.get<std::string>("owner_at");
  position.state = row.get<std::string>("state");
  position.reason = row.get<std::string>("state_reason");
  position.clean_stop = row.get<bool>("clean_stop");
  position.held = row.get<std::optional<std::int64_t>>("held_by").has_value();
  return position;
}

}  // namespace

void refuse_moved(const TopicPartition& partition) {
  throw PositionRefused("the position of " + partition_text(partition) +
                        " changed since it was looked at: it was left alone; repeat the command");
}

std::vector<StoredPosition> stored_positions(Database& database, const std::string& consumer) {
  std::vector<StoredPosition> positions;
  own_transaction(database, "positions", [&](OpenTransaction& tx) {
    positions.clear();
    for (const auto row : tx.query(tx.dialect().render(kPositions), consumer))
      positions.push_back(position_of(row));
  });
  return positions;
}

std::int64_t PositionDesk::apply(std::span<const TopicPartition> partitions, Audit::Action action,
                                 const Change& change) {
  const Audit audit(database_.dialect());
  const Control control(consumer_, database_.dialect());
  action.consumer = consumer_;
  std::int64_t id = 0;
  own_transaction(database_, "positions", [&](OpenTransaction& tx) {
    control.lock(tx, partitions);
    change(tx);
    id = audit.begin(tx, action);
    audit.note(tx, id, static_cast<std::int64_t>(partitions.size()), "done");
    control.announce(tx);
  });
  return id;
}

void PositionDesk::shift(OpenTransaction& tx, const Move& move) const {
  const auto& [topic, number] = move.partition;
  const auto& dialect = tx.dialect();
  const auto changed =
      move.from ? tx.execute(dialect.render(kShift), consumer_, topic, number, *move.from, move.to)
                : tx.execute(dialect.render(kCreate), consumer_, topic, number, move.to);
  if (changed.affected_rows() != 1) refuse_moved(move.partition);
}

std::int64_t PositionDesk::set(Moves moves, const Audit::Action& action) {
  return apply(partitions_of(moves), action, [&](OpenTransaction& tx) {
    require_inactive(tx, consumer_);
    for (const auto& move : moves) shift(tx, move);
  });
}

std::int64_t PositionDesk::pass_over(Moves moves, const Audit::Action& action) {
  return apply(partitions_of(moves), action, [&](OpenTransaction& tx) {
    for (const auto& [partition, from, to] : moves) {
      const auto changed = tx.execute(tx.dialect().render(kPassOver), consumer_, partition.topic,
                                      partition.partition, from.value_or(to), to);
      if (changed.affected_rows() != 1) refuse_moved(partition);
    }
  });
}

std::int64_t PositionDesk::begin_anew(Moves moves, const NewLog& log, const Audit::Action& action) {
  const auto until =
      " until " +
      iso_text(std::chrono::floor<std::chrono::milliseconds>(std::chrono::system_clock::now()));
  const auto require_free = [&](OpenTransaction& tx, const TopicPartition& partition) {
    require_nothing_parked(tx, consumer_, partition);
    if (log.forget_inbox) require_nothing_undone(tx, consumer_, partition);
  };
  if (log.forget_inbox) {
    own_transaction(database_, "positions", [&](OpenTransaction& tx) {
      for (const auto& move : moves) require_free(tx, move.partition);
    });
    const ForgottenRows rows(database_, consumer_, log.batch);
    for (const auto& move : moves) rows.remove(move);
  }
  return apply(partitions_of(moves), action, [&](OpenTransaction& tx) {
    for (const auto& move : moves) {
      const auto& [topic, number] = move.partition;
      require_free(tx, move.partition);
      shift(tx, move);
      if (log.new_topic) tx.execute(tx.dialect().render(kForgetTopic), consumer_, topic, number);
      tx.execute(tx.dialect().render(kOldLetters), consumer_, topic, number, move.to, until);
    }
  });
}

std::int64_t PositionDesk::release(std::span<const TopicPartition> partitions,
                                   const Audit::Action& action) {
  return apply(partitions, action, [&](OpenTransaction& tx) {
    for (const auto& partition : partitions)
      if (tx.execute(tx.dialect().render(kRelease), consumer_, partition.topic, partition.partition)
              .affected_rows() != 1)
        throw PositionRefused(partition_text(partition) +
                              " is not halted any more: nothing was changed");
  });
}

std::string described(PositionDesk::Moves moves) {
  std::string text;
  for (const auto& [partition, from, to] : moves)
    text += (text.empty() ? "" : "; ") + partition_text(partition) +
            (from ? " from " + std::to_string(*from) : " begins") + " to " + std::to_string(to);
  return text;
}

}  // namespace kinbox::cli

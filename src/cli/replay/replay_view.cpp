#include "cli/replay/replay_view.hpp"

#include <string_view>

#include "core/own_statements.hpp"

namespace kinbox::cli {
namespace {

constexpr std::string_view kList = R"(
SELECT r.id, r.consumer, r.mode, r.state, r.state_reason,
       coalesce(sum(p.next_offset - p.begin_offset), 0) AS done,
       coalesce(sum(p.end_offset - p.begin_offset), 0) AS offsets,
       coalesce(sum(p.applied), 0) AS applied, coalesce(sum(p.known), 0) AS known,
       coalesce(sum(p.dead), 0) AS dead, coalesce(sum(p.left_alone), 0) AS left_alone,
       coalesce(sum(p.silenced), 0) AS silenced, r.generation,
       CASE WHEN r.state = 'running' AND r.seen_until >= {now} THEN 1 ELSE 0 END AS at_work,
       r.who, CAST(r.started_at AS text) AS started_at, CAST(r.updated_at AS text) AS updated_at,
       CAST(r.ended_at AS text) AS ended_at
  FROM {kinbox}.replays r LEFT JOIN {kinbox}.replay_progress p ON p.replay_id = r.id
 WHERE ($1 = '' OR r.consumer = $1) AND ($3 = 0 OR r.state IN ('running', 'paused'))
 GROUP BY r.id, r.consumer, r.mode, r.state, r.state_reason, r.generation, r.seen_until, r.who,
          r.started_at, r.updated_at, r.ended_at
 ORDER BY r.id DESC LIMIT $2)";

constexpr std::string_view kPartitions =
    "SELECT replay_id AS replay, topic, partition, begin_offset, next_offset, end_offset, applied, "
    "known, dead, left_alone, silenced FROM {kinbox}.replay_progress WHERE replay_id = $1 "
    "ORDER BY topic, partition";

template <typename... Args>
Rows asked(Database& database, std::string_view sql, const Args&... args) {
  Rows rows;
  own_transaction(database, "replays",
                  [&](OpenTransaction& tx) { rows = tx.query(tx.dialect().render(sql), args...); });
  return rows;
}

}  // namespace

Rows ReplayView::list(const std::string& consumer, bool active, std::int64_t limit) {
  return asked(database_, kList, consumer, limit, active ? 1 : 0);
}

Rows ReplayView::partitions(std::int64_t replay) { return asked(database_, kPartitions, replay); }

}  // namespace kinbox::cli

#include "core/retention/inbox_prune.hpp"

#include <algorithm>
#include <span>
#include <utility>

#include "core/own_statements.hpp"
#include "core/replaced.hpp"
#include "core/retention/replay_guard.hpp"
#include "core/sql_list.hpp"
#include "core/sql_moment.hpp"
#include "kinbox/errors.hpp"

namespace kinbox {
namespace {

constexpr std::string_view kStanding =
    "SELECT next_offset, dedup_floor, pruned_below FROM {kinbox}.consumer_progress "
    "WHERE consumer = $1 AND topic = $2 AND partition = $3";

// What the owner compares stays as it is. Waits for its batch, and keeps its next one waiting until
// COMMIT.
constexpr std::string_view kRaise =
    "UPDATE {kinbox}.consumer_progress SET "
    "dedup_floor = CASE WHEN dedup_floor < $4 THEN $4 ELSE dedup_floor END, "
    "pruned_below = CASE WHEN pruned_below < $4 THEN $4 ELSE pruned_below END "
    "WHERE consumer = $1 AND topic = $2 AND partition = $3 "
    "AND (dedup_floor < $4 OR pruned_below < $4) AND next_offset >= $4";

// Looks at everything again, the floor included: nothing that is not meant can be deleted.
constexpr std::string_view kDelete =
    "DELETE FROM {kinbox}.processed_events WHERE {places} "
    "AND consumer = $2 AND topic = $3 AND partition = $4 "
    "AND verdict IN ('applied', 'skipped') AND processed_at < {before} "
    "AND record_offset < (SELECT CASE WHEN next_offset < dedup_floor THEN next_offset "
    "ELSE dedup_floor END FROM {kinbox}.consumer_progress "
    "WHERE consumer = $2 AND topic = $3 AND partition = $4)";
constexpr std::string_view kAlone =
    " AND NOT EXISTS (SELECT 1 FROM {kinbox}.replays "
    "WHERE consumer = $2 AND state IN ('running', 'paused'))";

constexpr std::string_view kKeepPlace =
    "INSERT INTO {kinbox}.prunings (scope, next_block) VALUES ($1, $2) "
    "ON CONFLICT (scope) DO UPDATE SET next_block = excluded.next_block";

std::string before_text(const Dialect& dialect) {
  const auto moment = sql_moment(dialect, "-$1");
  return dialect.render("SELECT " + sql_epoch_milliseconds(dialect, "(" + moment + ")"));
}

std::string delete_text(const Dialect& dialect, bool beside_replay) {
  const bool sqlite = dialect.backend() == Backend::kSqlite;
  auto text =
      replaced(kDelete, "{places}", sql_in_list(dialect, sqlite ? "rowid" : "ctid", "$1", "tid"));
  text = replaced(text, "{before}", sql_instant(dialect, "$5"));
  if (!beside_replay) text += kAlone;
  return dialect.render(text);
}

/// Behind the last of them that may go; 0 if none may.
Offset behind_last(std::span<const DueRow> rows, Offset next_offset) {
  Offset behind = 0;
  for (const auto& row : rows)
    if (row.offset < next_offset) behind = std::max(behind, row.offset + 1);
  return behind;
}

}  // namespace

InboxPrune::InboxPrune(Database& database, std::string consumer, std::chrono::milliseconds window,
                       const PruneOptions& options)
    : database_(database),
      consumer_(std::move(consumer)),
      window_(window),
      options_(options),
      before_(before_text(database.dialect())),
      standing_(database.dialect().render(kStanding)),
      raise_(database.dialect().render(kRaise)),
      delete_(delete_text(database.dialect(), options.beside_replay)),
      keep_place_(database.dialect().render(kKeepPlace)) {}

/// Fixed for the whole walk.
DueInbox InboxPrune::due() {
  own_transaction(database_, "prune", [&](OpenTransaction& tx) {
    due_before_ = tx.query(before_, window_.count())[0].get<std::int64_t>(0);
  });
  return {consumer_, due_before_};
}

template <typename Visit>
void InboxPrune::walk(bool go_on, const std::stop_token& stop, Visit visit) {
  const auto inbox = make_inbox_walk(database_.dialect(), due(), go_on);
  for (bool more = true; more && !stop.stop_requested();) {
    DueRows due;
    own_transaction(database_, "prune", [&](OpenTransaction& tx) { more = inbox->next(tx, due); });
    visit(due);
  }
  if (!go_on || !inbox->place()) return;
  own_transaction(database_, "prune", [&](OpenTransaction& tx) {
    tx.execute(keep_place_, consumer_, *inbox->place());
  });
}

void InboxPrune::run(Pace& pace, Pruner::Report& report) {
  walk(options_.go_on, pace.stop_token(), [&](const DueRows& due) {
    for (const auto& [partition, rows] : due) remove(pace, partition, rows);
  });
  put(report);
}

void InboxPrune::preview(Pruner::Report& report) {
  walk(false, {}, [&](const DueRows& due) {
    own_transaction(database_, "prune", [&](OpenTransaction& tx) {
      for (const auto& [partition, rows] : due) {
        const auto now = standing(tx, partition);
        if (!now) continue;
        auto& of = found(partition);
        of.floor =
            std::max({behind_last(rows, now->next_offset), now->floor, of.floor.value_or(0)});
        of.rows += std::count_if(rows.begin(), rows.end(),
                                 [&](const auto& row) { return row.offset < now->next_offset; });
      }
    });
  });
  put(report);
}

/// The floor is raised for all of `rows` with the first of them: the partition's row is locked
/// once.
void InboxPrune::remove(Pace& pace, const TopicPartition& partition,
                        const std::vector<DueRow>& rows) {
  for (std::span<const DueRow> rest(rows); !rest.empty() && !pace.stopped();) {
    const auto batch = rest.first(std::min(rest.size(), options_.batch));
    rest = rest.subspan(batch.size());
    pace.portion([&] {
      own_transaction(database_, "prune", [&](OpenTransaction& tx) {
        const auto deleted = remove(tx, partition, batch, rows);
        if (deleted > 0 && options_.on_rows) options_.on_rows(tx, deleted);
      });
    });
  }
}

std::int64_t InboxPrune::remove(OpenTransaction& tx, const TopicPartition& partition,
                                std::span<const DueRow> rows, std::span<const DueRow> all) {
  const auto now = standing(tx, partition);
  if (!now) return 0;
  if (!options_.beside_replay) refuse_beside_replay(tx, consumer_);
  const auto wanted = behind_last(all, now->next_offset);
  // The floor alone may be where somebody set the position.
  if (wanted > std::min(now->floor, now->pruned_below))
    tx.execute(raise_, consumer_, partition.topic, partition.partition, wanted);
  std::vector<std::string> places;
  places.reserve(rows.size());
  for (const auto& row : rows) places.push_back(row.place);
  const auto backend = tx.dialect().backend();
  const auto list = sql_list(backend, places, backend == Backend::kSqlite ? "" : "\"");
  const auto deleted =
      tx.execute(delete_, list, consumer_, partition.topic, partition.partition, due_before_)
          .affected_rows();
  auto& of = found(partition);
  of.rows += deleted;
  of.floor = std::max(wanted, now->floor);
  return deleted;
}

std::optional<InboxPrune::Standing> InboxPrune::standing(OpenTransaction& tx,
                                                         const TopicPartition& partition) const {
  const auto rows = tx.query(standing_, consumer_, partition.topic, partition.partition);
  if (rows.empty()) return std::nullopt;
  return Standing{rows[0].get<std::int64_t>("next_offset"),
                  rows[0].get<std::int64_t>("dedup_floor"),
                  rows[0].get<std::int64_t>("pruned_below")};
}

PrunedRows& InboxPrune::found(const TopicPartition& partition) {
  auto& of = found_[partition];
  of.what = "inbox";
  of.partition = partition;
  return of;
}

void InboxPrune::put(Pruner::Report& report) const {
  for (const auto& [partition, rows] : found_) report.push_back(rows);
  if (found_.empty()) report.push_back({.what = "inbox"});
}

}  // namespace kinbox

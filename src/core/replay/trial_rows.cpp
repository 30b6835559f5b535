#include "core/replay/trial_rows.hpp"

#include <optional>

namespace kinbox {
namespace {

constexpr std::string_view kFind =
    "SELECT max(id) AS id FROM {kinbox}.replays "
    "WHERE consumer = $1 AND state = 'trial' AND plan_hash = $2";
constexpr std::string_view kInsert =
    "INSERT INTO {kinbox}.replays (consumer, mode, state, plan_hash, plan, who) "
    "VALUES ($1, 'trial', 'trial', $2, '', '') RETURNING id";
constexpr std::string_view kInsertPiece =
    "INSERT INTO {kinbox}.replay_progress "
    "(replay_id, topic, partition, begin_offset, next_offset, end_offset) "
    "VALUES ($1, $2, $3, $4, $4, $5)";
constexpr std::string_view kTake =
    "UPDATE {kinbox}.replays SET owner = $2, clean_stop = FALSE, updated_at = {now} WHERE id = $1";
constexpr std::string_view kEnd = "DELETE FROM {kinbox}.replays WHERE id = $1 AND owner = $2";

}  // namespace

TrialRows::TrialRows(const Dialect& dialect)
    : find_(dialect.render(kFind)),
      insert_(dialect.render(kInsert)),
      insert_piece_(dialect.render(kInsertPiece)),
      take_(dialect.render(kTake)),
      end_(dialect.render(kEnd)) {}

std::int64_t TrialRows::take(OpenTransaction& tx, const ReplayPlan& plan, std::string_view owner,
                             const std::function<void(std::int64_t)>& taking) const {
  const auto hash = hash_of(plan);
  const auto found = tx.query(find_, plan.consumer, hash)[0].get<std::optional<std::int64_t>>("id");
  const auto id = found ? *found : begin(tx, plan, hash);
  taking(id);
  tx.execute(take_, id, owner);
  return id;
}

std::int64_t TrialRows::begin(OpenTransaction& tx, const ReplayPlan& plan,
                              const std::string& hash) const {
  const auto id = tx.query(insert_, plan.consumer, hash)[0].get<std::int64_t>(0);
  for (const auto& partition : plan.partitions) {
    const auto& [of, begin, end] = partition.slice;
    tx.execute(insert_piece_, id, of.topic, of.partition, begin, end);
  }
  return id;
}

void TrialRows::end(OpenTransaction& tx, std::int64_t id, std::string_view owner) const {
  tx.execute(end_, id, owner);
}

}  // namespace kinbox

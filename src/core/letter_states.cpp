#include "core/letter_states.hpp"

#include <string>

#include "core/replaced.hpp"

namespace kinbox {
namespace {

constexpr std::string_view kSet =
    "INSERT INTO {kinbox}.letter_states (id, consumer, topic, partition, record_offset, "
    "error_group, dead_at, redrive_count, state, changed_at) "
    "SELECT l.id, l.consumer, l.topic, l.partition, l.record_offset, l.error_group, l.dead_at, "
    "l.redrive_count, '{state}', CASE WHEN l.redrive_count > 0 THEN {now} END "
    "FROM {kinbox}.letters AS l WHERE l.id {ids} "
    "ON CONFLICT (id) DO UPDATE SET error_group = excluded.error_group, "
    "dead_at = excluded.dead_at, redrive_count = excluded.redrive_count, state = excluded.state, "
    "due_at = NULL, changed_at = {now}";

constexpr std::string_view kResolve = "DELETE FROM {kinbox}.letter_states WHERE id {ids}";

BulkStatement for_ids(const Dialect& dialect, std::string_view sql) {
  return {dialect.render(replaced(sql, "{ids}", "= $1")),
          dialect.render(replaced(sql, "{ids}", "= ANY ($1::bigint[])"))};
}

}  // namespace

BulkStatement set_letter_state(const Dialect& dialect, std::string_view state) {
  return for_ids(dialect, replaced(kSet, "{state}", state));
}

BulkStatement resolve_letter(const Dialect& dialect) { return for_ids(dialect, kResolve); }

}  // namespace kinbox

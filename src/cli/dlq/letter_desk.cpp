#include "cli/dlq/letter_desk.hpp"

#include <algorithm>
#include <map>
#include <set>

#include "core/control.hpp"
#include "core/coordinates_text.hpp"
#include "core/letter_history.hpp"
#include "core/own_statements.hpp"
#include "core/replaced.hpp"
#include "core/sql_moment.hpp"
#include "core/stored_record.hpp"

namespace kinbox::cli {
namespace {

// The order in which they are tried: due one after the other, those of one key never overtake.
constexpr std::string_view kPlanned =
    "FROM {kinbox}.unresolved_letters WHERE {where} AND state IN ({from}) AND {condition} "
    "ORDER BY consumer, topic, partition, record_offset, id{limit}";
constexpr std::string_view kGroups =
    "SELECT consumer, error_group, reason, handler, count(*) AS letters "
    "FROM (SELECT consumer, error_group, reason, handler {planned}) AS planned "
    "GROUP BY consumer, error_group, reason, handler ORDER BY letters DESC, error_group";
constexpr std::string_view kLeftOut =
    "SELECT count(*) AS letters, "
    "COALESCE(sum(CASE WHEN purged_at IS NULL THEN 0 ELSE 1 END), 0) AS purged "
    "FROM {kinbox}.unresolved_letters WHERE {where} AND state IN ({from}) AND NOT ({condition})";
constexpr std::string_view kCountRequested =
    "SELECT count(*) AS letters FROM {kinbox}.unresolved_letters "
    "WHERE {where} AND state = 'requested'";

constexpr std::string_view kPartitionsEach =
    "SELECT consumer, topic, partition FROM {kinbox}.letters WHERE id = $1";
constexpr std::string_view kPartitionsAll =
    "SELECT DISTINCT consumer, topic, partition FROM {kinbox}.letters "
    "WHERE id = ANY ($1::bigint[])";

constexpr std::string_view kChangeEach =
    "UPDATE {kinbox}.letter_states SET state = '{to}', due_at = {due}, changed_at = {now} "
    "WHERE id = $1 AND state IN ({from}) "
    "AND EXISTS (SELECT 1 FROM {kinbox}.letters AS l WHERE l.id = $1 AND {condition}) RETURNING id";
constexpr std::string_view kChangeAll =
    "UPDATE {kinbox}.letter_states AS d SET state = '{to}', due_at = {due}, changed_at = {now} "
    "FROM unnest($1::bigint[], $2::bigint[]) AS planned (letter, due_in) "
    "WHERE d.id = planned.letter AND d.state IN ({from}) "
    "AND EXISTS (SELECT 1 FROM {kinbox}.letters AS l WHERE l.id = d.id AND {condition}) "
    "RETURNING d.id";

// What a condition says of a letter is true until the end. SQLite has one writer.
constexpr std::string_view kLockPostgres =
    "SELECT id FROM {kinbox}.letters WHERE id = ANY ($1::bigint[]) ORDER BY id FOR NO KEY UPDATE";

constexpr std::string_view kRetryAs =
    "UPDATE {kinbox}.letters SET retry_as = $2 WHERE id = $1 AND NOT EXISTS ("
    "SELECT 1 FROM {kinbox}.processed_events AS p "
    "WHERE p.consumer = letters.consumer AND p.event_id = $2)";

constexpr std::string_view kLastDone =
    "SELECT h.what, COALESCE(a.who, '') AS who, CAST(h.at AS text) AS at "
    "FROM {kinbox}.dead_letter_history AS h LEFT JOIN {kinbox}.audit AS a ON a.id = h.audit_id "
    "WHERE h.dead_letter_id = $1 ORDER BY h.id DESC LIMIT 1";

constexpr std::string_view kLetter =
    "SELECT state, reason, event_id, CASE WHEN purged_at IS NULL THEN 0 ELSE 1 END AS purged "
    "FROM {kinbox}.dead_letters WHERE id = $1";

constexpr std::string_view kAtWork =
    "SELECT count(*) AS workers FROM {kinbox}.workers WHERE consumer = $1 AND seen_until >= {now}";

constexpr std::string_view kUntaken =
    "SELECT DISTINCT d.topic, d.partition FROM {kinbox}.letter_states AS d "
    "WHERE d.consumer = $1 AND d.state = 'requested' AND NOT EXISTS ("
    "SELECT 1 FROM {kinbox}.consumer_progress AS p WHERE p.consumer = d.consumer "
    "AND p.topic = d.topic AND p.partition = d.partition) ORDER BY d.topic, d.partition";

std::string sql_of(const Dialect& dialect, std::string_view text, const LetterAct& act) {
  auto sql = replaced(text, "{from}", act.from);
  sql = replaced(replaced(sql, "{to}", act.to), "{condition}", act.condition);
  return dialect.render(sql);
}

BulkStatement change_statement(const Dialect& dialect, const LetterAct& act) {
  return {
      sql_of(dialect, replaced(kChangeEach, "{due}", sql_moment(dialect, "$2")), act),
      sql_of(dialect, replaced(kChangeAll, "{due}", sql_moment(dialect, "planned.due_in")), act)};
}

std::vector<std::int64_t> first_column(const Rows& rows) {
  std::vector<std::int64_t> ids;
  ids.reserve(rows.size());
  for (const auto row : rows) ids.push_back(row.get<std::int64_t>(0));
  return ids;
}

/// Partitions of the letters, by consumer.
std::map<std::string, std::vector<TopicPartition>> partitions_of(
    OpenTransaction& tx, std::span<const std::int64_t> ids) {
  const BulkStatement statement{tx.dialect().render(kPartitionsEach),
                                tx.dialect().render(kPartitionsAll)};
  const std::vector<SqlParam> params(ids.begin(), ids.end());
  std::map<std::string, std::set<TopicPartition>> found;
  for (const auto row : tx.query_bulk(statement, params, 1))
    found[row.get<std::string>("consumer")].insert(stored_partition(row));
  std::map<std::string, std::vector<TopicPartition>> partitions;
  for (const auto& [consumer, set] : found) partitions[consumer] = {set.begin(), set.end()};
  return partitions;
}

std::string letters_text(std::size_t count) {
  return std::to_string(count) + (count == 1 ? " letter" : " letters");
}

/// What to know of a letter in a state that the act does not take.
std::string state_text(std::string_view state, const std::string& id) {
  if (state == "open") return "is open already";
  if (state == "requested") return "is requested already: its consumer is to try it";
  if (state == "parked")
    return "waits behind others of its key, and is tried after them; see kinbox parked list";
  if (state == "resolved") return "is resolved: it was applied";
  if (state == "discarded") return "is discarded; kinbox dlq restore " + id + " opens it again";
  return "is " + std::string(state);
}

}  // namespace

std::vector<std::string> LetterPlan::consumers() const {
  std::set<std::string> names;
  for (const auto& group : groups) names.insert(group.consumer);
  return {names.begin(), names.end()};
}

LetterPlan LetterDesk::plan(const LetterAct& act, const LetterSelection& selection,
                            std::int64_t limit) {
  auto any_state = selection;
  any_state.states.clear();
  const auto where = letters_where(any_state);
  const auto params = where.params();
  const auto planned = replaced(replaced(kPlanned, "{where}", where.text), "{limit}",
                                limit > 0 ? " LIMIT " + std::to_string(limit) : std::string());
  LetterPlan plan;
  own_transaction(database_, "plan of dead letters", [&](OpenTransaction& tx) {
    const auto ask = [&](const std::string& text) {
      return tx.query_with(sql_of(tx.dialect(), text, act), params);
    };
    plan.ids = first_column(ask("SELECT id " + planned));
    for (const auto row : ask(replaced(kGroups, "{planned}", planned)))
      plan.groups.push_back({row.get<std::string>("consumer"), row.get<std::string>("error_group"),
                             row.get<std::string>("reason"), row.get<std::string>("handler"),
                             row.get<std::int64_t>("letters")});
    const auto left_out = ask(replaced(kLeftOut, "{where}", where.text));
    plan.purged = left_out[0].get<std::int64_t>("purged");
    plan.conflicts = left_out[0].get<std::int64_t>("letters") - plan.purged;
  });
  return plan;
}

std::int64_t LetterDesk::apply(const LetterAct& act, const LetterPlan& plan, const Change& wanted) {
  const Audit audit(database_.dialect());
  auto action = wanted.action;
  if (const auto consumers = plan.consumers(); consumers.size() == 1)
    action.consumer = consumers[0];
  const std::span<const std::int64_t> ids(plan.ids);
  std::int64_t audit_id = 0;
  for (std::size_t done = 0; done < ids.size(); done += at_once_) {
    const auto now = ids.subspan(done, std::min(at_once_, ids.size() - done));
    const auto changed = done + now.size();
    std::optional<std::string> moved;
    own_statements("dead letters", [&] {
      const auto tx = database_.begin();
      const auto partitions = partitions_of(*tx, now);
      for (const auto& [consumer, list] : partitions)
        Control(consumer, tx->dialect()).lock(*tx, list);
      const auto id = audit_id != 0 ? audit_id : audit.begin(*tx, action);
      moved = change(*tx, act, now, done, wanted);
      if (moved) return;
      LetterHistory(tx->dialect()).add(*tx, now, act.what, wanted.detail, id);
      audit.note(*tx, id, static_cast<std::int64_t>(changed), changed == ids.size() ? "done" : "");
      for (const auto& [consumer, list] : partitions)
        Control(consumer, tx->dialect()).announce(*tx);
      tx->commit();
      audit_id = id;
    });
    if (!moved) continue;
    const auto before = letters_text(done) + " of " + std::to_string(ids.size()) +
                        (done == 1 ? " was " : " were ") + act.done;
    if (audit_id != 0)
      own_transaction(database_, "audit", [&](OpenTransaction& tx) {
        audit.note(tx, audit_id, static_cast<std::int64_t>(done), "stopped: " + *moved);
      });
    throw LettersMoved(*moved + ", since you looked; " +
                       (done == 0 ? std::string("nothing was changed") : before) +
                       ". Look again and repeat the command");
  }
  return audit_id;
}

std::optional<std::string> LetterDesk::change(OpenTransaction& tx, const LetterAct& act,
                                              std::span<const std::int64_t> ids, std::size_t before,
                                              const Change& wanted) {
  if (wanted.retry_as &&
      tx.execute(tx.dialect().render(kRetryAs), ids[0], *wanted.retry_as).affected_rows() == 0)
    throw RefusedError("the consumer knows an event " + *wanted.retry_as +
                       " already: choose an id that no event has");
  if (tx.dialect().backend() == Backend::kPostgres) {
    const auto lock = tx.dialect().render(kLockPostgres);
    tx.query_bulk({lock, lock}, std::vector<SqlParam>(ids.begin(), ids.end()), 1);
  }
  std::vector<SqlParam> rows;
  rows.reserve(2 * ids.size());
  for (std::size_t i = 0; i < ids.size(); ++i) {
    std::optional<std::int64_t> due_in;
    if (act.to == "requested") due_in = 0;
    if (wanted.rate > 0)
      due_in = static_cast<std::int64_t>(1000.0 * static_cast<double>(before + i) / wanted.rate);
    rows.insert(rows.end(), {ids[i], due_in});
  }
  const auto changed = first_column(tx.query_bulk(change_statement(tx.dialect(), act), rows, 2));
  if (changed.size() == ids.size()) return std::nullopt;
  const std::set<std::int64_t> in_time(changed.begin(), changed.end());
  const auto late =
      std::find_if(ids.begin(), ids.end(), [&](std::int64_t id) { return !in_time.contains(id); });
  return letters_text(ids.size() - changed.size()) + " changed, letter " + std::to_string(*late) +
         last_done(tx, *late);
}

std::vector<std::string> LetterDesk::explain(const LetterAct& act,
                                             std::span<const std::int64_t> ids) {
  std::vector<std::string> reasons;
  own_transaction(database_, "dead letters", [&](OpenTransaction& tx) {
    for (const auto id : ids) {
      const auto rows = tx.query(tx.dialect().render(kLetter), id);
      const auto name = std::to_string(id);
      if (rows.empty()) {
        reasons.push_back("there is no letter " + name);
        continue;
      }
      const auto letter = rows[0];
      const auto state = letter.get<std::string>("state");
      const auto text = "letter " + name + ' ';
      if (std::string(act.from).find("'" + state + "'") == std::string::npos)
        reasons.push_back(text + state_text(state, name) + last_done(tx, id));
      else if (letter.get<std::int64_t>("purged") != 0)
        reasons.push_back(text + "is purged: there is nothing left to try" + last_done(tx, id));
      else if (letter.get<std::string>("reason") == "id_conflict")
        reasons.push_back(text +
                          "has the id of another event, under which it can never run: give it one "
                          "of its own (kinbox dlq retry " +
                          name + " --as-id NEW), or discard it");
      else
        reasons.push_back(
            text + "has an id of its own, " +
            letter.get<std::optional<std::string>>("event_id").value_or("none") +
            ": --as-id is for letters with reason id_conflict and for those without an id");
    }
  });
  return reasons;
}

std::string LetterDesk::last_done(OpenTransaction& tx, std::int64_t letter) {
  const auto rows = tx.query(tx.dialect().render(kLastDone), letter);
  if (rows.empty()) return {};
  const auto who = rows[0].get<std::string>("who");
  return " (" + rows[0].get<std::string>("what") + (who.empty() ? "" : " by " + who) + ", " +
         rows[0].get<std::string>("at") + ')';
}

std::int64_t LetterDesk::count_requested(const LetterSelection& selection) {
  auto any_state = selection;
  any_state.states.clear();
  const auto where = letters_where(any_state);
  std::int64_t count = 0;
  own_transaction(database_, "dead letters", [&](OpenTransaction& tx) {
    const auto sql = replaced(kCountRequested, "{where}", where.text);
    count = tx.query_with(tx.dialect().render(sql), where.params())[0].get<std::int64_t>(0);
  });
  return count;
}

std::vector<std::string> LetterDesk::untaken(const std::vector<std::string>& consumers) {
  std::vector<std::string> names;
  own_transaction(database_, "dead letters", [&](OpenTransaction& tx) {
    for (const auto& consumer : consumers)
      for (const auto row : tx.query(tx.dialect().render(kUntaken), consumer))
        names.push_back(partition_text(stored_partition(row)) + " (consumer " + consumer + ')');
  });
  return names;
}

std::vector<std::string> LetterDesk::idle(const std::vector<std::string>& consumers) {
  std::vector<std::string> names;
  own_transaction(database_, "workers", [&](OpenTransaction& tx) {
    for (const auto& consumer : consumers)
      if (tx.query(tx.dialect().render(kAtWork), consumer)[0].get<std::int64_t>(0) == 0)
        names.push_back(consumer);
  });
  return names;
}

}  // namespace kinbox::cli

#include "cli/dlq/purge.hpp"

#include <set>

#include "cli/dlq/letter_desk.hpp"
#include "cli/parked/parked_desk.hpp"
#include "core/control.hpp"
#include "core/letter_history.hpp"
#include "core/own_statements.hpp"
#include "core/replaced.hpp"
#include "core/stored_record.hpp"

namespace kinbox::cli {
namespace {

constexpr std::string_view kLetters =
    "SELECT id, consumer, topic, partition FROM {kinbox}.dead_letters "
    "WHERE {where} AND purged_at IS NULL ORDER BY id";
constexpr std::string_view kParked =
    "SELECT id, consumer, topic, partition FROM {kinbox}.parked_events WHERE {where} ORDER BY id";

constexpr std::string_view kErase =
    "UPDATE {kinbox}.letters SET key = NULL, value = NULL, headers = '[]', error_text = '', "
    "edited = {false}, edited_value = NULL, purged_at = {now} WHERE id IN ({ids})";
constexpr std::string_view kDiscard =
    "UPDATE {kinbox}.letter_states SET state = 'discarded', due_at = NULL, changed_at = {now} "
    "WHERE id IN ({ids})";
// Texts of errors, of edits.
constexpr std::string_view kEraseHistory =
    "UPDATE {kinbox}.dead_letter_history SET detail = '' WHERE dead_letter_id IN ({ids})";
// The relay would send a letter without a value, which a compacted topic takes for a deletion.
constexpr std::string_view kEraseOutbox =
    "UPDATE {kinbox}.outbox SET key = NULL, "
    "state = CASE WHEN state IN ('pending', 'refused') THEN 'discarded' ELSE state END "
    "WHERE dead_letter_id IN ({ids})";

/// Numbers are no danger in a text; one person's letters are not many.
std::string list_of(const std::vector<std::int64_t>& ids) {
  std::string list;
  for (const auto id : ids) list += (list.empty() ? "" : ", ") + std::to_string(id);
  return list;
}

std::string erase_text(const Dialect& dialect, std::string_view sql,
                       const std::vector<std::int64_t>& ids) {
  return dialect.render(replaced(sql, "{ids}", list_of(ids)));
}

/// Also what is tried under the event id.
BoundSql letters_of_person(const LetterSelection& selection) {
  auto where = letters_where(selection);
  if (!selection.event_id) return where;
  auto by_other_id = selection;
  by_other_id.event_id.reset();
  const auto rest = letters_where(by_other_id, where.arguments.size() + 1);
  where.arguments.insert(where.arguments.end(), rest.arguments.begin(), rest.arguments.end());
  where.arguments.emplace_back(*selection.event_id);
  where.text = "(" + where.text + " OR (" + rest.text + " AND retry_as = $" +
               std::to_string(where.arguments.size()) + "))";
  return where;
}

PurgePlan find(OpenTransaction& tx, const LetterSelection& selection) {
  PurgePlan plan;
  std::map<std::string, std::set<TopicPartition>> partitions;
  const auto look = [&](std::string_view sql, const BoundSql& where,
                        std::vector<std::int64_t> PurgePlan::Of::*ids) {
    const auto text = tx.dialect().render(replaced(sql, "{where}", where.text));
    for (const auto row : tx.query_with(text, where.params())) {
      const auto consumer = row.get<std::string>("consumer");
      (plan.by_consumer[consumer].*ids).push_back(row.get<std::int64_t>("id"));
      partitions[consumer].insert(stored_partition(row));
    }
  };
  look(kLetters, letters_of_person(selection), &PurgePlan::Of::letters);
  auto where = parked_where(selection);
  // A letter that is tried under another id has that in its parked row.
  for (const auto& [consumer, of] : plan.by_consumer)
    if (!of.letters.empty()) where.text += " OR dead_letter_id IN (" + list_of(of.letters) + ')';
  look(kParked, where, &PurgePlan::Of::parked);
  for (auto& [consumer, of] : plan.by_consumer)
    of.partitions.assign(partitions[consumer].begin(), partitions[consumer].end());
  return plan;
}

bool same(const PurgePlan& a, const PurgePlan& b) {
  if (a.by_consumer.size() != b.by_consumer.size()) return false;
  for (const auto& [consumer, of] : a.by_consumer) {
    const auto other = b.by_consumer.find(consumer);
    if (other == b.by_consumer.end() || other->second.letters != of.letters ||
        other->second.parked != of.parked)
      return false;
  }
  return true;
}

/// Without a relay: the payload must not leave the house on its last day.
std::vector<std::int64_t> letters_of(OpenTransaction& tx, const std::string& consumer,
                                     const PurgePlan::Of& of) {
  DeadLetters::Options options;
  options.consumer = consumer;
  options.relay = false;
  std::set<std::int64_t> letters(of.letters.begin(), of.letters.end());
  for (const auto id : make_dead(tx, of.parked, options)) letters.insert(id);
  return {letters.begin(), letters.end()};
}

}  // namespace

std::int64_t PurgePlan::letters() const {
  std::size_t count = 0;
  for (const auto& [consumer, of] : by_consumer) count += of.letters.size();
  return static_cast<std::int64_t>(count);
}

std::int64_t PurgePlan::parked() const {
  std::size_t count = 0;
  for (const auto& [consumer, of] : by_consumer) count += of.parked.size();
  return static_cast<std::int64_t>(count);
}

PurgePlan plan_purge(Database& database, const LetterSelection& selection) {
  PurgePlan plan;
  own_transaction(database, "purge", [&](OpenTransaction& tx) { plan = find(tx, selection); });
  return plan;
}

std::int64_t purge(Database& database, const LetterSelection& selection, const PurgePlan& agreed,
                   Audit::Action action) {
  std::int64_t audit_id = 0;
  if (agreed.by_consumer.size() == 1) action.consumer = agreed.by_consumer.begin()->first;
  own_transaction(database, "purge", [&](OpenTransaction& tx) {
    for (const auto& [consumer, of] : agreed.by_consumer)
      Control(consumer, tx.dialect()).lock(tx, of.partitions);
    if (!same(find(tx, selection), agreed))
      throw LettersMoved(
          "there are others now than those you were asked about; nothing was "
          "purged. Repeat the command");
    const Audit audit(tx.dialect());
    audit_id = audit.begin(tx, action);
    std::int64_t affected = 0;
    for (const auto& [consumer, of] : agreed.by_consumer) {
      const auto ids = letters_of(tx, consumer, of);
      const auto erase = [&](std::string_view sql) {
        tx.execute(erase_text(tx.dialect(), sql, ids));
      };
      erase(
          replaced(kErase, "{false}", tx.dialect().backend() == Backend::kSqlite ? "0" : "false"));
      erase(kDiscard);
      erase(kEraseHistory);
      erase(kEraseOutbox);
      LetterHistory(tx.dialect()).add(tx, ids, "purged", {}, audit_id);
      affected += static_cast<std::int64_t>(ids.size());
    }
    audit.note(tx, audit_id, affected, "done");
    for (const auto& [consumer, of] : agreed.by_consumer)
      Control(consumer, tx.dialect()).announce(tx);
  });
  return audit_id;
}

}  // namespace kinbox::cli

#include "cli/parked/parked_desk.hpp"

#include <algorithm>
#include <map>
#include <set>
#include <tuple>

#include "cli/dlq/letter_desk.hpp"
#include "core/control.hpp"
#include "core/letter_history.hpp"
#include "core/own_statements.hpp"
#include "core/parked_rows.hpp"
#include "core/replaced.hpp"
#include "core/stored_record.hpp"

namespace kinbox::cli {
namespace {

constexpr std::string_view kPlan =
    "SELECT p.id, p.consumer, p.topic, p.partition, p.queue, p.record_offset, "
    "CASE WHEN p.key IS NULL THEN 0 ELSE 1 END AS has_key, "
    "(SELECT first.id FROM {kinbox}.parked_events AS first WHERE first.consumer = p.consumer "
    "AND first.topic = p.topic AND first.partition = p.partition AND first.queue = p.queue "
    "ORDER BY first.record_offset, first.id LIMIT 1) AS head "
    "FROM {kinbox}.parked_events AS p WHERE {where} "
    "ORDER BY p.consumer, p.topic, p.partition, p.queue, p.record_offset, p.id";

ParkedEvent event_of(const Row& row) {
  ParkedEvent event;
  event.id = row.get<std::int64_t>("id");
  event.consumer = row.get<std::string>("consumer");
  event.partition = stored_partition(row);
  event.queue = row.get<std::int64_t>("queue");
  event.offset = row.get<std::int64_t>("record_offset");
  event.has_key = row.get<std::int64_t>("has_key") != 0;
  event.head = row.get<std::int64_t>("head");
  return event;
}

std::vector<ParkedEvent> find(OpenTransaction& tx, const LetterSelection& selection) {
  const auto where = parked_where(selection);
  const auto sql = replaced(kPlan, "{where}", where.text);
  std::vector<ParkedEvent> events;
  for (const auto row : tx.query_with(tx.dialect().render(sql), where.params()))
    events.push_back(event_of(row));
  return events;
}

/// Throws unless the events are there still and, if it is wanted, the first of their queues.
void require_unmoved(OpenTransaction& tx, std::span<const ParkedEvent> events, bool as_heads) {
  LetterSelection selection;
  for (const auto& event : events) selection.ids.push_back(event.id);
  const auto now = find(tx, selection);
  const auto as_planned = std::count_if(now.begin(), now.end(),
                                        [&](const auto& e) { return !as_heads || e.is_head(); });
  if (static_cast<std::size_t>(as_planned) == events.size()) return;
  throw LettersMoved(std::to_string(events.size() - static_cast<std::size_t>(as_planned)) +
                     " of the parked events changed since you looked: they were tried, or somebody "
                     "was at them (kinbox audit). Look again and repeat the command");
}

std::map<std::string, std::vector<TopicPartition>> partitions_of(
    std::span<const ParkedEvent> events) {
  std::map<std::string, std::vector<TopicPartition>> partitions;
  for (const auto& event : events) partitions[event.consumer].push_back(event.partition);
  return partitions;
}

}  // namespace

std::vector<ParkedEvent> ParkedDesk::plan(const LetterSelection& selection, bool heads_only) {
  std::vector<ParkedEvent> events;
  own_transaction(database_, "parked events",
                  [&](OpenTransaction& tx) { events = find(tx, selection); });
  if (heads_only) std::erase_if(events, [](const auto& event) { return !event.is_head(); });
  return events;
}

std::int64_t ParkedDesk::apply(
    Events events, bool as_heads, Audit::Action action,
    const std::function<void(OpenTransaction&, Events, std::int64_t)>& change) {
  const Audit audit(database_.dialect());
  if (const auto all = partitions_of(events); all.size() == 1) action.consumer = all.begin()->first;
  std::int64_t audit_id = 0;
  for (std::size_t done = 0; done < events.size(); done += at_once_) {
    const auto now = events.subspan(done, std::min(at_once_, events.size() - done));
    own_statements("parked events", [&] {
      const auto tx = database_.begin();
      const auto partitions = partitions_of(now);
      for (const auto& [consumer, list] : partitions)
        Control(consumer, tx->dialect()).lock(*tx, list);
      require_unmoved(*tx, now, as_heads);
      const auto id = audit_id != 0 ? audit_id : audit.begin(*tx, action);
      change(*tx, now, id);
      const auto changed = done + now.size();
      audit.note(*tx, id, static_cast<std::int64_t>(changed),
                 changed == events.size() ? "done" : "");
      for (const auto& [consumer, list] : partitions)
        Control(consumer, tx->dialect()).announce(*tx);
      tx->commit();
      audit_id = id;
    });
  }
  return audit_id;
}

std::int64_t ParkedDesk::retry(Events heads, const Audit::Action& action) {
  return apply(heads, true, action, [](OpenTransaction& tx, Events now, std::int64_t) {
    for (const auto& head : now)
      ParkedRows(head.consumer, tx.dialect()).hurry(tx, head.partition, head.queue, head.id);
  });
}

std::int64_t ParkedDesk::release(Events heads, const Audit::Action& action) {
  return apply(heads, true, action, [](OpenTransaction& tx, Events now, std::int64_t) {
    for (const auto& head : now) {
      const ParkedRows rows(head.consumer, tx.dialect());
      rows.set_apart(tx, head.partition, head.id, head.offset);
      rows.promote(tx, head.partition, head.queue);
    }
  });
}

std::int64_t ParkedDesk::dead_letter(Events events, const LettersOf& letters_of,
                                     const Audit::Action& action) {
  return apply(events, false, action, [&](OpenTransaction& tx, Events now, std::int64_t id) {
    std::map<std::string, std::vector<std::int64_t>> by_consumer;
    for (const auto& event : now) by_consumer[event.consumer].push_back(event.id);
    for (const auto& [consumer, ids] : by_consumer)
      LetterHistory(tx.dialect())
          .add(tx, make_dead(tx, ids, letters_of(consumer)), "dead_lettered", action.reason, id);
  });
}

}  // namespace kinbox::cli

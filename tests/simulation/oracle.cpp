#include "simulation/oracle.hpp"

#include <algorithm>

#include "kinbox/reason.hpp"

namespace kinbox::simulation {
namespace {

std::string text(const TopicPartition& id) { return id.topic + '/' + std::to_string(id.partition); }

std::string text(const Tally& t) {
  return "applied " + std::to_string(t.applied) + ", duplicates " + std::to_string(t.duplicates) +
         ", parked " + std::to_string(t.parked) + ", dead " + std::to_string(t.dead) +
         ", skipped " + std::to_string(t.skipped) + ", gaps " + std::to_string(t.gaps);
}

constexpr std::string_view kLawBroken =
    "SELECT count(*) FROM main.consumer_progress WHERE open_batch IS NOT NULL OR "
    "next_offset - first_offset <> applied + duplicates + parked + dead + skipped + gaps";
constexpr std::string_view kEffectsWithoutVerdict =
    "SELECT count(*) FROM main.effects AS e WHERE NOT EXISTS (SELECT 1 FROM main.processed_events "
    "AS p WHERE p.event_id = e.event_id AND p.verdict = 'applied' AND p.topic = e.topic AND "
    "p.partition = e.partition AND p.record_offset = e.record_offset)";
constexpr std::string_view kVerdictsWithoutEffect =
    "SELECT count(*) FROM main.processed_events AS p WHERE p.verdict = 'applied' AND "
    "(SELECT count(*) FROM main.effects AS e WHERE e.event_id = p.event_id) <> 1";
constexpr std::string_view kAheadOfPosition =
    "SELECT count(*) FROM main.processed_events AS p WHERE p.record_offset >= (SELECT next_offset "
    "FROM main.consumer_progress AS c WHERE c.topic = p.topic AND c.partition = p.partition)";
// The owner at the time of the effect: two incarnations must never have written under one.
constexpr std::string_view kUnfenced =
    "SELECT count(*) FROM (SELECT owner FROM main.effects GROUP BY owner "
    "HAVING count(DISTINCT incarnation) > 1) UNION ALL "
    "SELECT count(*) FROM (SELECT incarnation FROM main.effects GROUP BY incarnation "
    "HAVING count(DISTINCT owner) > 1) ORDER BY 1 DESC";
constexpr std::string_view kOutOfOrder =
    "SELECT count(*) FROM main.effects AS a JOIN main.effects AS b ON a.key = b.key AND "
    "a.topic = b.topic AND a.partition = b.partition AND a.seq < b.seq AND "
    "a.record_offset > b.record_offset "
    "WHERE a.event_id NOT IN (SELECT event_id FROM main.out_of_line) "
    "AND b.event_id NOT IN (SELECT event_id FROM main.out_of_line)";
// One for each death; those by an operator's hand are not told twice.
constexpr std::string_view kLettersWithoutOutboxRow =
    "SELECT count(*) FROM main.dead_letters AS d WHERE "
    "(SELECT count(*) FROM main.outbox AS o WHERE o.dead_letter_id = d.id) "
    "NOT BETWEEN 1 AND 1 + d.redrive_count";
constexpr std::string_view kNotRunning =
    "SELECT count(*) FROM main.consumer_progress WHERE state <> 'running'";

}  // namespace

std::int64_t Oracle::number(std::string_view sql) {
  const auto tx = world_.store.database().begin();
  return tx->query(sql)[0].get<std::int64_t>(0);
}

void Oracle::expect(std::int64_t actual, std::int64_t expected, const std::string& what) {
  if (actual != expected)
    world_.complain(what + ": " + std::to_string(actual) + " instead of " +
                    std::to_string(expected));
}

void Oracle::expect_none(std::string_view sql, const std::string& what) {
  expect(number(sql), 0, what);
}

void Oracle::judge_midway() {
  expect_none(kLawBroken, "partitions that break the position law");
  expect_none(kEffectsWithoutVerdict, "effects without a verdict");
  expect_none(kVerdictsWithoutEffect, "applied events without exactly one effect");
  expect_none(kAheadOfPosition, "verdicts at or behind the position");
  expect_none(kUnfenced, "owners shared by two incarnations");
  expect_none(kOutOfOrder, "effects of a key out of order");
}

void Oracle::judge_the_end() {
  judge_midway();
  expect_none(kLettersWithoutOutboxRow, "dead letters without an outbox row for each death");
  expect_none(kNotRunning, "partitions that do not run");
  read();
  for (const auto& [id, partition] : story_.partitions()) judge_partition(id, partition);
  for (const auto& [id, event] : story_.events()) judge_event(event);
  expect(static_cast<std::int64_t>(letters_.size()), letters_expected_, "dead letters");
  expect(static_cast<std::int64_t>(processed_.size()),
         static_cast<std::int64_t>(story_.events().size()), "inbox rows");
}

void Oracle::read() {
  const auto tx = world_.store.database().begin();
  const auto place = [](const Row& row) {
    return Place{{row.get<std::string>("topic"),
                  static_cast<std::int32_t>(row.get<std::int64_t>("partition"))},
                 row.get<std::int64_t>("record_offset")};
  };
  for (const auto row : tx->query("SELECT * FROM main.processed_events"))
    processed_[row.get<std::string>("event_id")] = {place(row), row.get<std::string>("verdict")};
  for (const auto row : tx->query("SELECT * FROM main.dead_letters WHERE state <> 'resolved'"))
    letters_[place(row)] = {row.get<std::optional<std::string>>("event_id"),
                            row.get<std::string>("reason"), row.get<std::int64_t>("seen_again")};
}

const PlannedRecord* Oracle::record_at(const Place& place) const {
  const auto partition = story_.partitions().find(place.partition);
  if (partition == story_.partitions().end()) return nullptr;
  const auto record = partition->second.records.find(place.offset);
  return record == partition->second.records.end() ? nullptr : &record->second;
}

void Oracle::judge_event(const PlannedEvent& event) {
  const auto found = processed_.find(event.id);
  if (found == processed_.end()) return world_.complain("event " + event.id + " has no verdict");
  const auto fate = story_.fate(event);
  if (found->second.verdict != to_text(fate))
    world_.complain("event " + event.id + " is " + found->second.verdict + " instead of " +
                    std::string(to_text(fate)));
  judge_effect(event, found->second);
  if (fate == Verdict::kDead) judge_letter(event, found->second);
}

void Oracle::judge_effect(const PlannedEvent& event, const Processed& processed) {
  const auto* record = record_at(processed.place);
  if (record == nullptr || record->event_id != event.id)
    return world_.complain("event " + event.id + " is recorded where it never was");
  const auto tx = world_.store.database().begin();
  const auto rows = tx->query("SELECT value FROM main.effects WHERE event_id = $1", event.id);
  const bool applied = story_.fate(event) == Verdict::kApplied;
  expect(static_cast<std::int64_t>(rows.size()), applied ? 1 : 0, "effects of " + event.id);
  if (rows.size() == 1 && rows[0].get<std::string>(0) != record->value)
    world_.complain("the effect of " + event.id + " is another record's");
}

void Oracle::judge_letter(const PlannedEvent& event, const Processed& processed) {
  const auto letter = letters_.find(processed.place);
  if (letter == letters_.end() || letter->second.event_id != event.id)
    return world_.complain("dead event " + event.id + " has no letter");
  if (letter->second.reason != Story::reason(event))
    world_.complain("event " + event.id + " died of " + letter->second.reason);
  expect(letter->second.seen_again, seen_again_[event.id], "times " + event.id + " was seen again");
}

void Oracle::judge_partition(const TopicPartition& id, const Story::Partition& partition) {
  Tally expected;
  Offset next = partition.first;
  for (const auto& [offset, record] : partition.records) {
    expected.gaps += offset - next;
    next = offset + 1;
    count({id, offset}, record, expected);
  }
  expect(world_.next_offset(id), next, "position of " + text(id));
  const auto stored = stored_tally(id);
  if (stored != expected)
    world_.complain(text(id) + " counts " + text(stored) + " instead of " + text(expected));
}

void Oracle::count(const Place& place, const PlannedRecord& record, Tally& tally) {
  const auto add = [&](Verdict verdict) {
    ++(verdict == Verdict::kApplied ? tally.applied
       : verdict == Verdict::kDead  ? tally.dead
                                    : tally.skipped);
    letters_expected_ += verdict == Verdict::kDead ? 1 : 0;
  };
  if (record.event_id.empty()) {
    if (story_.fate_of_poison() == Verdict::kDead) judge_poison(place);
    return add(story_.fate_of_poison());
  }
  const auto winner = processed_.find(record.event_id);
  if (winner == processed_.end()) return;
  if (winner->second.place == place) return add(story_.fate(story_.events().at(record.event_id)));
  count_repetition(place, record, winner->second, tally);
}

void Oracle::count_repetition(const Place& place, const PlannedRecord& record,
                              const Processed& winner, Tally& tally) {
  if (winner.place.partition == place.partition && winner.place.offset > place.offset)
    world_.complain("event " + record.event_id + " was not taken where it came first in " +
                    text(place.partition));
  const auto* won = record_at(winner.place);
  const bool conflict = won != nullptr && won->value != record.value;
  if (conflict && story_.rules().id_conflict == IdConflict::kDeadLetter) {
    ++tally.dead;
    ++letters_expected_;
    const auto letter = letters_.find(place);
    if (letter == letters_.end() || letter->second.reason != reason::kIdConflict)
      world_.complain("no letter about the conflict of " + record.event_id);
    return;
  }
  ++tally.duplicates;
  ++seen_again_[record.event_id];
}

void Oracle::judge_poison(const Place& place) {
  const auto letter = letters_.find(place);
  if (letter == letters_.end() || letter->second.event_id)
    world_.complain("poison at " + text(place.partition) + '@' + std::to_string(place.offset) +
                    " has no letter");
}

Tally Oracle::stored_tally(const TopicPartition& id) {
  const auto tx = world_.store.database().begin();
  const auto rows = tx->query(
      "SELECT applied, duplicates, parked, dead, skipped, gaps FROM main.consumer_progress "
      "WHERE topic = $1 AND partition = $2",
      id.topic, id.partition);
  if (rows.empty()) return {};
  const auto column = [&](std::size_t n) { return rows[0].get<std::int64_t>(n); };
  return {column(0), column(1), column(2), column(3), column(4), column(5)};
}

}  // namespace kinbox::simulation

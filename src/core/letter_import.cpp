#include "core/letter_import.hpp"

#include <algorithm>
#include <set>
#include <tuple>

#include "core/coordinates_text.hpp"
#include "core/event_body.hpp"
#include "core/event_id.hpp"
#include "core/storable_text.hpp"
#include "kinbox/errors.hpp"
#include "kinbox/reason.hpp"

namespace kinbox {
namespace {

constexpr std::size_t kMaxName = 512;

// Offsets say nothing without the topic's id, which letters from elsewhere mostly do not know: the
// one that the consumer reads counts, and none. A place in a DLQ ("dlq:...") is nobody else's. The
// ids stand in a list, and are not looked up by the letter, so that the unique index finds them;
// OFFSET 0 keeps PostgreSQL from reading all letters for a join.
constexpr std::string_view kFindCoordinatesEach =
    "SELECT $6 FROM {kinbox}.letters WHERE consumer = $1 AND topic = $2 AND topic_id IN ($3, "
    "CASE WHEN substr($3, 1, 4) = 'dlq:' THEN $3 ELSE '' END, "
    "CASE WHEN substr($3, 1, 4) = 'dlq:' THEN $3 ELSE COALESCE("
    "(SELECT at.topic_id FROM {kinbox}.consumer_progress AS at "
    "WHERE at.consumer = $1 AND at.topic = $2 AND at.partition = $4), '') END) "
    "AND partition = $4 AND record_offset = $5";
constexpr std::string_view kFindCoordinatesAll =
    "SELECT wanted.place FROM unnest($1::text[], $2::text[], $3::text[], $4::integer[], "
    "$5::bigint[], $6::bigint[]) "
    "AS wanted (consumer, topic, topic_id, partition, record_offset, place) "
    "WHERE EXISTS (SELECT 1 FROM {kinbox}.letters AS d "
    "WHERE d.consumer = wanted.consumer AND d.topic = wanted.topic AND d.topic_id = ANY "
    "(ARRAY[wanted.topic_id, "
    "CASE WHEN substr(wanted.topic_id, 1, 4) = 'dlq:' THEN wanted.topic_id ELSE '' END, "
    "CASE WHEN substr(wanted.topic_id, 1, 4) = 'dlq:' THEN wanted.topic_id ELSE COALESCE("
    "(SELECT at.topic_id FROM {kinbox}.consumer_progress AS at WHERE at.consumer = wanted.consumer "
    "AND at.topic = wanted.topic AND at.partition = wanted.partition), '') END]) "
    "AND d.partition = wanted.partition AND d.record_offset = wanted.record_offset OFFSET 0)";
constexpr std::size_t kCoordinateColumns = 6;

// An id_conflict is another event under this id.
constexpr std::string_view kFindEventsEach =
    "SELECT $3 WHERE EXISTS (SELECT 1 FROM {kinbox}.letters "
    "WHERE consumer = $1 AND event_id = $2 AND reason <> 'id_conflict') "
    "OR EXISTS (SELECT 1 FROM {kinbox}.parked_events WHERE consumer = $1 AND event_id = $2)";
constexpr std::string_view kFindEventsAll =
    "SELECT wanted.place FROM unnest($1::text[], $2::text[], $3::bigint[]) "
    "AS wanted (consumer, event_id, place) "
    "WHERE EXISTS (SELECT 1 FROM {kinbox}.letters AS d WHERE d.consumer = wanted.consumer "
    "AND d.event_id = wanted.event_id AND d.reason <> 'id_conflict') "
    "OR EXISTS (SELECT 1 FROM {kinbox}.parked_events AS p WHERE p.consumer = wanted.consumer "
    "AND p.event_id = wanted.event_id)";
constexpr std::size_t kEventColumns = 3;

/// What the inbox compares: see EventDecoder.
Fingerprint fingerprint_of(const ImportedLetter& letter) {
  if (!letter.record.value) return Fingerprint::of(std::nullopt);
  const auto value = as_bytes(*letter.record.value);
  return Fingerprint::of(letter.event_id ? without_schema_prefix(value) : value);
}

bool same_bytes(Bytes a, const ByteVector& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end());
}

}  // namespace

/// One letter on its way in, and what is decided about it.
struct LetterImport::Entry : LetterRow {
  explicit Entry(const ImportedLetter& of)
      : LetterRow{&of, fingerprint_of(of), of.failure.reason, of.state} {}

  /// An id_conflict never had a verdict of its own.
  bool has_verdict() const {
    return letter->event_id && letter->failure.reason != reason::kIdConflict;
  }

  ImportOutcome outcome = ImportOutcome::kImported;
};

LetterImport::LetterImport(std::string consumer, const Dialect& dialect)
    : consumer_(std::move(consumer)),
      inbox_(consumer_, dialect),
      history_(dialect),
      insert_(consumer_, dialect),
      find_coordinates_{dialect.render(kFindCoordinatesEach), dialect.render(kFindCoordinatesAll)},
      find_events_{dialect.render(kFindEventsEach), dialect.render(kFindEventsAll)} {}

void LetterImport::require_storable(const ImportedLetter& letter) {
  const auto require = [&](bool condition, const char* what) {
    if (!condition) throw Error("the letter of " + coordinates_text(letter.record) + ' ' + what);
  };
  const auto is_name = [](const std::string& text) {
    return !text.empty() && text.size() <= kMaxName && is_storable_text(text);
  };
  require(is_name(letter.record.topic), "has no usable topic");
  require(is_storable_text(letter.topic_id), "has a topic id that cannot be stored");
  require(letter.record.partition >= 0, "has a negative partition");
  require(letter.record.offset >= 0, "has a negative offset");
  require(is_name(letter.failure.reason), "has no usable reason");
  require(letter.event_type.size() <= kMaxName && is_storable_text(letter.event_type),
          "has an event type that cannot be stored");
  require(!letter.event_id || is_event_id(*letter.event_id),
          "has an event id that is none: 1 to 512 bytes of UTF-8 without NUL");
}

std::vector<ImportOutcome> LetterImport::run(OpenTransaction& tx,
                                             std::span<const ImportedLetter> letters,
                                             std::string_view from,
                                             std::optional<std::int64_t> audit_id) const {
  std::vector<Entry> entries;
  entries.reserve(letters.size());
  for (const auto& letter : letters) {
    require_storable(letter);
    entries.emplace_back(letter);
  }
  pass_over_known_coordinates(tx, entries);
  claim(tx, entries);
  const std::string place(from);
  insert(tx, entries, ImportOutcome::kImported, place, audit_id);
  insert(tx, entries, ImportOutcome::kAppliedAlready, place + ": applied here already", audit_id);
  insert(tx, entries, ImportOutcome::kIdConflict,
         place + ": another value was decided about under its id", audit_id);
  std::vector<ImportOutcome> outcomes;
  outcomes.reserve(entries.size());
  for (const auto& entry : entries) outcomes.push_back(entry.outcome);
  return outcomes;
}

void LetterImport::pass_over_known_coordinates(OpenTransaction& tx,
                                               std::vector<Entry>& entries) const {
  std::vector<SqlParam> wanted;
  std::set<std::tuple<std::string_view, std::string_view, std::int32_t, Offset>> seen;
  for (std::size_t i = 0; i < entries.size(); ++i) {
    const auto& letter = *entries[i].letter;
    const auto& record = letter.record;
    if (!seen.insert({record.topic, letter.topic_id, record.partition, record.offset}).second)
      entries[i].outcome = ImportOutcome::kKnown;
    wanted.insert(wanted.end(), {consumer_, record.topic, letter.topic_id, record.partition,
                                 record.offset, static_cast<std::int64_t>(i)});
  }
  if (entries.empty()) return;
  for (const auto row : tx.query_bulk(find_coordinates_, wanted, kCoordinateColumns))
    entries.at(static_cast<std::size_t>(row.get<std::int64_t>(0))).outcome = ImportOutcome::kKnown;
}

void LetterImport::claim(OpenTransaction& tx, std::vector<Entry>& entries) const {
  std::vector<Inbox::Claim> claims;
  std::vector<Entry*> of_claim;
  for (auto& entry : entries) {
    if (entry.outcome == ImportOutcome::kKnown || !entry.has_verdict()) continue;
    const auto& letter = *entry.letter;
    claims.push_back({.event_id = *letter.event_id,
                      .event_type = letter.event_type,
                      .topic = letter.record.topic,
                      .partition = letter.record.partition,
                      .offset = letter.record.offset,
                      .verdict = Verdict::kDead,
                      .fingerprint = entry.fingerprint});
    of_claim.push_back(&entry);
  }
  const auto is_new = inbox_.claim(tx, claims);
  std::set<std::string_view> claimed;
  std::vector<Entry*> unclaimed;
  for (std::size_t i = 0; i < of_claim.size(); ++i)
    if (is_new[i])
      claimed.insert(claims[i].event_id);
    else
      unclaimed.push_back(of_claim[i]);
  judge_unclaimed(tx, unclaimed);
  // A second letter of an event that these letters brought.
  for (auto* entry : unclaimed)
    if (entry->outcome == ImportOutcome::kImported && claimed.contains(*entry->letter->event_id))
      entry->outcome = ImportOutcome::kKnown;
}

void LetterImport::judge_unclaimed(OpenTransaction& tx, std::span<Entry*> entries) const {
  if (entries.empty()) return;
  std::vector<std::string_view> ids;
  for (const auto* entry : entries) ids.emplace_back(*entry->letter->event_id);
  const auto found = inbox_.find(tx, ids);
  std::vector<SqlParam> waiting;
  for (std::size_t i = 0; i < entries.size(); ++i) {
    auto& entry = *entries[i];
    // Pruned between the two statements; it is no letter's then.
    if (!found[i]) continue;
    if (!same_bytes(entry.fingerprint.bytes(), found[i]->fingerprint)) {
      entry.outcome = ImportOutcome::kIdConflict;
      entry.reason = reason::kIdConflict;
    } else if (found[i]->verdict == Verdict::kApplied || found[i]->verdict == Verdict::kSkipped) {
      entry.outcome = ImportOutcome::kAppliedAlready;
      entry.state = ImportedLetter::State::kResolved;
    } else {
      waiting.insert(waiting.end(), {consumer_, ids[i], static_cast<std::int64_t>(i)});
    }
  }
  if (waiting.empty()) return;
  for (const auto row : tx.query_bulk(find_events_, waiting, kEventColumns))
    entries[static_cast<std::size_t>(row.get<std::int64_t>(0))]->outcome = ImportOutcome::kKnown;
}

void LetterImport::insert(OpenTransaction& tx, std::span<const Entry> entries,
                          ImportOutcome outcome, std::string_view detail,
                          std::optional<std::int64_t> audit_id) const {
  std::vector<const LetterRow*> rows;
  for (const auto& entry : entries)
    if (entry.outcome == outcome) rows.push_back(&entry);
  history_.add(tx, insert_.run(tx, rows), "imported", detail, audit_id);
}

}  // namespace kinbox

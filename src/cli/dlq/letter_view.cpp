#include "cli/dlq/letter_view.hpp"

#include <algorithm>
#include <string>

#include "cli/dlq/ask.hpp"
#include "core/replaced.hpp"

namespace kinbox::cli {
namespace {

// Counted first, described afterwards: of each group that is shown, two ends of an index and the
// latest letter are looked at.
constexpr std::string_view kGroups = R"(
WITH counted AS ({counted}),
largest AS (
  SELECT consumer, error_group, CAST(sum(letters) AS bigint) AS letters,
         CAST(sum(redrives) AS bigint) AS redrives,
         CAST(sum(CASE WHEN state = 'requested' THEN letters ELSE 0 END) AS bigint) AS requested
    FROM counted GROUP BY consumer, error_group
   ORDER BY letters DESC, consumer, error_group LIMIT {limit}),
seen AS (
  SELECT c.consumer, c.error_group, min({first_seen}) AS first_seen, max({last_seen}) AS last_seen,
         max({sample}) AS sample
    FROM largest AS g
    JOIN counted AS c ON c.consumer = g.consumer AND c.error_group = g.error_group
   GROUP BY c.consumer, c.error_group)
SELECT g.error_group AS "group", g.consumer, l.reason, l.handler, l.error_type, l.error_code,
       g.letters, g.requested, CAST(s.first_seen AS text) AS first_seen,
       CAST(s.last_seen AS text) AS last_seen, g.redrives, s.sample, l.error_text
  FROM largest AS g JOIN seen AS s ON s.consumer = g.consumer AND s.error_group = g.error_group
  JOIN {kinbox}.letters AS l ON l.id = s.sample
 ORDER BY g.letters DESC, g.consumer, g.error_group)";

constexpr std::string_view kCountUnresolved =
    "SELECT state, consumer, error_group, count(*) AS letters, sum(redrive_count) AS redrives "
    "FROM {kinbox}.letter_states WHERE {where} GROUP BY state, consumer, error_group";
// All but the others: both are counted from an index.
constexpr std::string_view kCountResolved =
    "SELECT 'resolved' AS state, a.consumer, a.error_group, "
    "a.letters - COALESCE(u.letters, 0) AS letters, "
    "a.redrives - COALESCE(u.redrives, 0) AS redrives FROM ("
    "SELECT consumer, error_group, count(*) AS letters, sum(redrive_count) AS redrives "
    "FROM {kinbox}.letters WHERE {where} GROUP BY consumer, error_group) AS a LEFT JOIN ("
    "SELECT consumer, error_group, count(*) AS letters, sum(redrive_count) AS redrives "
    "FROM {kinbox}.letter_states WHERE {where} GROUP BY consumer, error_group) AS u "
    "ON u.consumer = a.consumer AND u.error_group = a.error_group "
    "WHERE a.letters > COALESCE(u.letters, 0)";

// What there is of one group of a consumer, in one state.
constexpr std::string_view kOfUnresolved =
    "FROM {kinbox}.letter_states AS d WHERE d.state = c.state AND d.consumer = c.consumer "
    "AND d.error_group = c.error_group";
constexpr std::string_view kOfResolved =
    "FROM {kinbox}.letters AS d WHERE d.consumer = c.consumer AND d.error_group = c.error_group "
    "AND NOT EXISTS (SELECT 1 FROM {kinbox}.letter_states AS s WHERE s.id = d.id)";
constexpr std::string_view kFirstSeen =
    "(SELECT d.dead_at {of_state} ORDER BY d.dead_at, d.id LIMIT 1)";
constexpr std::string_view kLastSeen =
    "(SELECT d.dead_at {of_state} ORDER BY d.dead_at DESC, d.id DESC LIMIT 1)";
constexpr std::string_view kSample =
    "(SELECT d.id {of_state} ORDER BY d.dead_at DESC, d.id DESC LIMIT 1)";

constexpr std::string_view kColumns = R"(
SELECT id, state, consumer, error_group AS "group", topic, partition, record_offset AS "offset",
       key, event_id, event_type AS type, reason, handler, error_type, error_code, attempts,
       redrive_count AS redrives, seen_again, CAST(first_failed_at AS text) AS first_failed_at,
       CAST(dead_at AS text) AS dead_at, CAST(due_at AS text) AS due_at, error_text)";

constexpr std::string_view kRecordColumns =
    ", record_timestamp_ms, headers, CASE WHEN edited THEN edited_value ELSE value END AS value";

constexpr std::string_view kDetailColumns =
    ", topic_id, CAST(changed_at AS text) AS changed_at, CAST(purged_at AS text) AS purged_at, "
    "retry_as, imported, edited, failed_at, value AS original_value";

// From one to the next through an index. Whoever has letters may have resolved ones.
constexpr std::string_view kKinds = R"(
WITH RECURSIVE states (state) AS (
  SELECT min(state) FROM {kinbox}.letter_states
   UNION ALL
  SELECT (SELECT min(d.state) FROM {kinbox}.letter_states AS d WHERE d.state > s.state)
    FROM states AS s WHERE s.state IS NOT NULL),
kinds (state, consumer) AS (
  SELECT s.state, (SELECT min(d.consumer) FROM {kinbox}.letter_states AS d WHERE d.state = s.state)
    FROM states AS s WHERE s.state IS NOT NULL
   UNION ALL
  SELECT k.state, (SELECT min(d.consumer) FROM {kinbox}.letter_states AS d
                    WHERE d.state = k.state AND d.consumer > k.consumer)
    FROM kinds AS k WHERE k.consumer IS NOT NULL),
consumers (consumer) AS (
  SELECT min(consumer) FROM {kinbox}.letters
   UNION ALL
  SELECT (SELECT min(d.consumer) FROM {kinbox}.letters AS d WHERE d.consumer > k.consumer)
    FROM consumers AS k WHERE k.consumer IS NOT NULL)
SELECT state, consumer FROM kinds WHERE consumer IS NOT NULL
 UNION ALL
SELECT 'resolved', consumer FROM consumers WHERE consumer IS NOT NULL)";

// For each kind an index of `letter_states` gives the ids in order, so a page costs no more than
// itself. What asks for more than these rows have looks at letters one after the other.
constexpr std::string_view kPage =
    " FROM {kinbox}.dead_letters WHERE id IN ({ids}) ORDER BY id LIMIT {limit}";

constexpr std::string_view kIds =
    "SELECT id FROM (SELECT id FROM {letters} AND id > {after} "
    "ORDER BY id LIMIT {limit}) AS page_of_{number}";
constexpr std::string_view kUnresolvedOfKind = "{kinbox}.letter_states WHERE {where}";
constexpr std::string_view kResolvedOfKind =
    "{kinbox}.letters WHERE {where} AND NOT EXISTS (SELECT 1 FROM {kinbox}.letter_states AS s "
    "WHERE s.id = letters.id AND s.id > {after})";
constexpr std::string_view kUnresolved =
    "{kinbox}.unresolved_letters WHERE {where} AND letter_id > {after}";
constexpr std::string_view kAny = "{kinbox}.dead_letters WHERE {where}";

constexpr std::string_view kHistory = R"(
SELECT CAST(h.at AS text) AS at, h.what, h.detail, h.audit_id AS audit, a.who, a.action, a.reason
  FROM {kinbox}.dead_letter_history AS h LEFT JOIN {kinbox}.audit AS a ON a.id = h.audit_id
 WHERE h.dead_letter_id = $1 ORDER BY h.id)";

bool selected(const LetterSelection& selection, const LetterKind& kind) {
  return (!selection.consumer || *selection.consumer == kind.consumer) &&
         selection.takes(kind.state);
}

/// `sql` of each state that `selection` takes letters of.
std::string of_states(std::string_view sql, const LetterSelection& selection) {
  const auto unresolved = replaced(sql, "{of_state}", kOfUnresolved);
  if (!selection.takes("resolved")) return unresolved;
  return "CASE WHEN c.state = 'resolved' THEN " + replaced(sql, "{of_state}", kOfResolved) +
         " ELSE " + unresolved + " END";
}

}  // namespace

BoundSql groups_sql(const LetterSelection& selection, std::int64_t limit) {
  auto statement = letters_where(
      {.consumer = selection.consumer, .group = selection.group, .states = selection.states});
  auto counted = replaced(kCountUnresolved, "{where}", statement.text);
  if (selection.takes("resolved")) {
    const auto any = letters_where({.consumer = selection.consumer, .group = selection.group},
                                   statement.arguments.size() + 1);
    statement.arguments.insert(statement.arguments.end(), any.arguments.begin(),
                               any.arguments.end());
    counted += " UNION ALL " + replaced(kCountResolved, "{where}", any.text);
  }
  auto sql = replaced(kGroups, "{counted}", counted);
  sql = replaced(sql, "{first_seen}", of_states(kFirstSeen, selection));
  sql = replaced(sql, "{last_seen}", of_states(kLastSeen, selection));
  sql = replaced(sql, "{sample}", of_states(kSample, selection));
  statement.text = replaced(sql, "{limit}", std::to_string(limit));
  return statement;
}

BoundSql letter_kinds_sql() { return {std::string(kKinds), {}}; }

std::optional<BoundSql> letters_sql(const LetterSelection& selection,
                                    const std::vector<LetterKind>& kinds, const Page& page,
                                    Content content) {
  BoundSql statement;
  std::string ids;
  const auto add = [&](std::string_view letters, const LetterSelection& of) {
    const auto where = letters_where(of, statement.arguments.size() + 1);
    statement.arguments.insert(statement.arguments.end(), where.arguments.begin(),
                               where.arguments.end());
    auto one = replaced(replaced(kIds, "{letters}", letters), "{where}", where.text);
    one = replaced(one, "{number}", std::to_string(statement.arguments.size()));
    ids += (ids.empty() ? "" : " UNION ALL ") + one;
  };
  const bool all = !selection.restricts() && selection.states.empty();
  if (all || selection.asks_letter()) {
    add(selection.takes("resolved") ? kAny : kUnresolved, selection);
  } else {
    for (const auto& kind : kinds) {
      if (!selected(selection, kind)) continue;
      auto part = selection;
      part.consumer = kind.consumer;
      part.states.clear();
      const bool resolved = kind.state == "resolved";
      if (!resolved) part.states = {kind.state};
      add(resolved ? kResolvedOfKind : kUnresolvedOfKind, part);
    }
  }
  if (ids.empty()) return std::nullopt;
  auto sql = std::string(kColumns);
  if (content == Content::kRecord) sql += kRecordColumns;
  sql = replaced(sql.append(kPage), "{ids}", ids);
  sql = replaced(sql, "{after}", std::to_string(page.after));
  statement.text = replaced(sql, "{limit}", std::to_string(page.limit));
  return statement;
}

std::vector<LetterKind> LetterView::kinds() {
  std::vector<LetterKind> kinds;
  for (const auto row : ask(database_, "dead letters", letter_kinds_sql()))
    kinds.push_back({row.get<std::string>(0), row.get<std::string>(1)});
  return kinds;
}

Rows LetterView::groups(const LetterSelection& selection, std::int64_t limit) {
  return ask(database_, "dead letters", groups_sql(selection, limit));
}

Rows LetterView::list(const LetterSelection& selection, const Page& page, Content content) {
  const auto query = letters_sql(selection, kinds(), page, content);
  return query ? ask(database_, "dead letters", *query) : Rows();
}

LetterDetail LetterView::show(std::int64_t id) {
  std::string sql(kColumns);
  sql.append(kRecordColumns).append(kDetailColumns);
  sql += " FROM {kinbox}.dead_letters WHERE id = $1";
  return {.letter = ask(database_, "dead letter", {std::move(sql), {id}}),
          .history = ask(database_, "dead letter", {std::string(kHistory), {id}})};
}

}  // namespace kinbox::cli

#include "cli/dlq/letter_view.hpp"

#include <string>

#include "core/own_statements.hpp"

namespace kinbox::cli {
namespace {

// Counted first, described afterwards: only the latest letter of each group is looked at.
constexpr std::string_view kGroups = R"(
SELECT g.error_group AS "group", g.consumer, l.reason, l.handler, l.error_type, l.error_code,
       g.letters, g.requested, CAST(g.first_seen AS text) AS first_seen,
       CAST(g.last_seen AS text) AS last_seen, g.redrives, g.sample, l.error_text
  FROM (SELECT consumer, error_group, count(*) AS letters,
               sum(CASE WHEN state = 'requested' THEN 1 ELSE 0 END) AS requested,
               min(dead_at) AS first_seen, max(dead_at) AS last_seen,
               sum(redrive_count) AS redrives, max(id) AS sample
          FROM {kinbox}.dead_letters WHERE {where}
         GROUP BY consumer, error_group ORDER BY letters DESC, sample LIMIT {limit}) AS g
  JOIN {kinbox}.dead_letters AS l ON l.id = g.sample
 ORDER BY g.letters DESC, g.sample)";

// For each state an index gives the ids in order, so a page costs no more than itself.
constexpr std::string_view kList = R"(
SELECT id, state, consumer, error_group AS "group", topic, partition, record_offset AS "offset",
       key, event_id, event_type AS type, reason, handler, error_type, error_code, attempts,
       redrive_count AS redrives, seen_again, CAST(first_failed_at AS text) AS first_failed_at,
       CAST(dead_at AS text) AS dead_at, CAST(due_at AS text) AS due_at, error_text
  FROM {kinbox}.dead_letters WHERE id IN ({ids}) ORDER BY id LIMIT {limit})";

constexpr std::string_view kIds =
    "SELECT id FROM (SELECT id FROM {kinbox}.dead_letters WHERE {where} AND id > {after} "
    "ORDER BY id LIMIT {limit}) AS page_of_{number}";

std::string replace(std::string text, std::string_view from, std::string_view to) {
  for (auto at = text.find(from); at != std::string::npos; at = text.find(from, at + to.size()))
    text.replace(at, from.size(), to);
  return text;
}

/// One selection per state, or one of them all.
std::vector<LetterSelection> by_state(const LetterSelection& selection) {
  if (selection.states.empty()) return {selection};
  std::vector<LetterSelection> each;
  for (const auto& state : selection.states) {
    each.push_back(selection);
    each.back().states = {state};
  }
  return each;
}

}  // namespace

Rows LetterView::groups(const LetterSelection& selection, std::int64_t limit) {
  const auto where = letters_where(selection);
  auto sql = replace(std::string(kGroups), "{where}", where.text);
  return ask(replace(std::move(sql), "{limit}", std::to_string(limit)), where.params());
}

Rows LetterView::list(const LetterSelection& selection, const Page& page) {
  std::string ids;
  SqlCondition all;
  for (const auto& part : by_state(selection)) {
    const auto where = letters_where(part, all.arguments.size() + 1);
    all.arguments.insert(all.arguments.end(), where.arguments.begin(), where.arguments.end());
    auto one = replace(std::string(kIds), "{where}", where.text);
    one = replace(std::move(one), "{number}", std::to_string(all.arguments.size()));
    ids += (ids.empty() ? "" : " UNION ALL ") + one;
  }
  auto sql = replace(std::string(kList), "{ids}", ids);
  sql = replace(std::move(sql), "{after}", std::to_string(page.after));
  return ask(replace(std::move(sql), "{limit}", std::to_string(page.limit)), all.params());
}

Rows LetterView::ask(std::string_view sql, const std::vector<SqlParam>& params) {
  Rows rows;
  own_transaction(database_, "dead letters", [&](OpenTransaction& tx) {
    rows = tx.query_with(tx.dialect().render(sql), params);
  });
  return rows;
}

}  // namespace kinbox::cli

#include "cli/inbox/inbox_view.hpp"

#include "cli/dlq/ask.hpp"
#include "cli/output/shell_words.hpp"
#include "core/iso_time.hpp"

namespace kinbox::cli {
namespace {

constexpr std::string_view kConsumers = "SELECT name FROM {kinbox}.consumers ORDER BY name";

constexpr std::string_view kColumns =
    "SELECT event_id, verdict, event_type AS type, topic, partition, record_offset AS \"offset\", "
    "generation, CAST(processed_at AS text) AS processed_at";

/// The condition on the primary key, the rest, and the arguments of both.
struct Conditions {
  std::string key = "consumer = $1 AND event_id > $2";
  std::string rows;
  std::vector<SqlValue> arguments;

  std::string parameter(SqlValue value) {
    arguments.push_back(std::move(value));
    return '$' + std::to_string(arguments.size());
  }
  void row(const std::string& condition) { rows += (rows.empty() ? "" : " AND ") + condition; }
};

/// The first text behind all that begin with `prefix`, in order of bytes, which is that of UTF-8's
/// characters; empty if there is none. A last byte is raised within its character's first bytes, so
/// the text stays UTF-8.
std::string behind(std::string prefix) {
  const auto is_ascii = [](char c) { return static_cast<unsigned char>(c) < 0x7F; };
  if (!prefix.empty() && is_ascii(prefix.back())) {
    ++prefix.back();
    return prefix;
  }
  // U+10FFFF is no character, and no id goes on with anything behind it.
  return prefix + "\xF4\x8F\xBF\xBF";
}

Conditions conditions(const InboxSelection& s, const InboxWindow& window) {
  Conditions where;
  where.arguments = {s.consumer, window.after};
  if (!s.prefix.empty())
    where.key += " AND event_id >= " + where.parameter(s.prefix) + " AND event_id < " +
                 where.parameter(behind(s.prefix));
  return where;
}

void add_rows(const InboxSelection& s, Conditions& where) {
  if (s.verdict) where.row("verdict = " + where.parameter(*s.verdict));
  if (s.topic) where.row("topic = " + where.parameter(*s.topic));
  if (s.partition) where.row("partition = " + where.parameter(std::int64_t{*s.partition}));
  if (s.event_type) where.row("event_type = " + where.parameter(*s.event_type));
  if (s.since) where.row("processed_at >= " + where.parameter(iso_text(*s.since)));
  if (s.until) where.row("processed_at < " + where.parameter(iso_text(*s.until)));
}

}  // namespace

std::string as_options(const InboxSelection& s) {
  ShellWords words;
  words.option("--consumer", s.consumer);
  if (!s.prefix.empty()) words.option("--prefix", s.prefix);
  if (s.verdict) words.option("--verdict", *s.verdict);
  if (s.topic) words.option("--topic", *s.topic);
  if (s.partition) words.option("--partition", std::to_string(*s.partition));
  if (s.event_type) words.option("--type", *s.event_type);
  if (s.since) words.option("--since", iso_text(*s.since));
  if (s.until) words.option("--until", iso_text(*s.until));
  return words.text();
}

BoundSql inbox_page_sql(const InboxSelection& selection, const InboxWindow& window) {
  auto where = conditions(selection, window);
  add_rows(selection, where);
  const auto limit = " ORDER BY event_id LIMIT " + std::to_string(window.limit);
  if (where.rows.empty())
    return {std::string(kColumns) + " FROM {kinbox}.processed_events WHERE " + where.key + limit,
            std::move(where.arguments)};
  return {std::string(kColumns) + " FROM (SELECT * FROM {kinbox}.processed_events WHERE " +
              where.key + " ORDER BY event_id LIMIT " + std::to_string(window.scan) +
              ") AS looked_at WHERE " + where.rows + limit,
          std::move(where.arguments)};
}

BoundSql inbox_window_end_sql(const InboxSelection& selection, const InboxWindow& window) {
  auto where = conditions(selection, window);
  return {"SELECT event_id FROM {kinbox}.processed_events WHERE " + where.key +
              " ORDER BY event_id LIMIT 1 OFFSET " + std::to_string(window.scan - 1),
          std::move(where.arguments)};
}

std::vector<std::string> InboxView::consumers() {
  std::vector<std::string> names;
  for (const auto row : ask(database_, "inbox", {std::string(kConsumers), {}}))
    names.push_back(row.get<std::string>(0));
  return names;
}

InboxPage InboxView::list(const InboxSelection& selection, const InboxWindow& window) {
  InboxPage page{ask(database_, "inbox", inbox_page_sql(selection, window)), {}};
  if (static_cast<std::int64_t>(page.rows.size()) == window.limit) {
    page.next = page.rows[page.rows.size() - 1].get<std::string>("event_id");
  } else if (selection.looks_at_rows()) {
    const auto end = ask(database_, "inbox", inbox_window_end_sql(selection, window));
    if (!end.empty()) page.next = end[0].get<std::string>(0);
  }
  return page;
}

}  // namespace kinbox::cli

#include "cli/dlq/parked_view.hpp"

#include <string>

#include "cli/dlq/ask.hpp"

namespace kinbox::cli {
namespace {

constexpr std::string_view kColumns = R"(
SELECT id, consumer, error_group AS "group", topic, partition, record_offset AS "offset", key,
       event_id, event_type AS type, reason, handler, error_type, error_code, attempts,
       CAST(first_failed_at AS text) AS first_failed_at, CAST(parked_at AS text) AS parked_at,
       CAST(due_at AS text) AS due_at, dead_letter_id AS dead_letter, seen_again, error_text,
       (SELECT count(*) FROM {kinbox}.parked_events AS first
         WHERE first.consumer = p.consumer AND first.topic = p.topic
           AND first.partition = p.partition AND first.queue = p.queue
           AND first.record_offset < p.record_offset) AS ahead)";

constexpr std::string_view kRecordColumns =
    ", topic_id, record_timestamp_ms, headers, value, failed_at";

constexpr std::string_view kFrom = " FROM {kinbox}.parked_events AS p WHERE ";

}  // namespace

Rows ParkedView::list(const LetterSelection& selection, const Page& page) {
  auto query = parked_where(selection);
  query.text = std::string(kColumns).append(kFrom) + query.text + " AND id > " +
               std::to_string(page.after) + " ORDER BY id LIMIT " + std::to_string(page.limit);
  return ask(database_, "parked events", query);
}

Rows ParkedView::show(std::int64_t id) {
  std::string sql(kColumns);
  sql.append(kRecordColumns).append(kFrom).append("id = $1");
  return ask(database_, "parked event", {std::move(sql), {id}});
}

}  // namespace kinbox::cli

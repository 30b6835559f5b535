#include "cli/inbox/event_story.hpp"

#include <algorithm>

#include "cli/dlq/ask.hpp"
#include "cli/output/row_table.hpp"
#include "core/header_codec.hpp"
#include "core/hex_text.hpp"
#include "core/stored_record.hpp"

namespace kinbox::cli {
namespace {

// Consumers are few. CROSS JOIN keeps SQLite from trying another order; with each of them the
// primary key has the rest.
constexpr std::string_view kInbox = R"(
SELECT e.consumer, e.verdict, e.event_type AS type, e.topic, e.partition,
       e.record_offset AS "offset", e.generation, e.fingerprint,
       CAST(e.processed_at AS text) AS processed_at, p.dedup_floor
  FROM {kinbox}.consumers AS c CROSS JOIN {kinbox}.processed_events AS e
  LEFT JOIN {kinbox}.consumer_progress AS p
    ON p.consumer = e.consumer AND p.topic = e.topic AND p.partition = e.partition
 WHERE e.consumer = c.name AND e.event_id = $1
 ORDER BY e.consumer)";

constexpr std::string_view kLetters = R"(
SELECT d.id, d.consumer, d.state, d.reason, d.handler, d.topic, d.partition,
       d.record_offset AS "offset", d.attempts, d.redrive_count AS redrives, d.seen_again,
       CAST(d.dead_at AS text) AS dead_at, CAST(d.due_at AS text) AS due_at, d.error_text
  FROM {kinbox}.consumers AS c CROSS JOIN {kinbox}.dead_letters AS d
 WHERE d.consumer = c.name AND d.event_id = $1
 ORDER BY d.id)";

constexpr std::string_view kParked = R"(
SELECT q.id, q.consumer, q.topic, q.partition, q.record_offset AS "offset", q.reason, q.handler,
       q.attempts, q.seen_again, CAST(q.parked_at AS text) AS parked_at,
       CAST(q.due_at AS text) AS due_at, q.dead_letter_id AS dead_letter, q.error_text
  FROM {kinbox}.consumers AS c CROSS JOIN {kinbox}.parked_events AS q
 WHERE q.consumer = c.name AND q.event_id = $1
 ORDER BY q.id)";

constexpr std::string_view kOutgoingColumns = R"(
SELECT o.id, o.topic, o.event_type AS type, o.message_id, o.state, o.attempts,
       CAST(o.created_at AS text) AS created_at, CAST(o.sent_at AS text) AS sent_at, o.last_error,
       o.dead_letter_id, o.headers)";
constexpr std::string_view kOutgoing =
    " FROM {kinbox}.outbox AS o WHERE o.causation_id = $1 AND o.causation_id <> '' ORDER BY o.id";
constexpr std::string_view kRelayedLetters = R"(
  FROM {kinbox}.consumers AS c CROSS JOIN {kinbox}.dead_letters AS d
 CROSS JOIN {kinbox}.outbox AS o
 WHERE d.consumer = c.name AND d.event_id = $1
   AND o.dead_letter_id = d.id AND o.dead_letter_id IS NOT NULL
 ORDER BY o.id)";

constexpr std::string_view kMails = R"(
SELECT id, state, email_type AS type, order_id, revision, message_id, attempts,
       CAST(created_at AS text) AS created_at, CAST(sent_at AS text) AS sent_at, last_error
  FROM {kinbox}.email_outbox WHERE event_id = $1 AND event_id <> '' ORDER BY id)";

// Few rows: one per partition.
constexpr std::string_view kReaders = R"(
SELECT consumer, first_offset, next_offset, dedup_floor
  FROM {kinbox}.consumer_progress WHERE topic = $1 AND partition = $2 ORDER BY consumer)";

constexpr std::string_view kForgotten = R"(
SELECT consumer, topic, partition, dedup_floor FROM {kinbox}.consumer_progress
 WHERE dedup_floor > first_offset ORDER BY consumer, topic, partition)";

enum Statement : std::size_t {
  kInboxRows,
  kLetterRows,
  kParkedRows,
  kOutRows,
  kDlqRows,
  kMailRows
};

std::string kind_of(const Row& row, const std::string& event_id) {
  if (row.get<std::optional<std::int64_t>>("dead_letter_id")) return "dead letter";
  if (row.get<std::string>("message_id").starts_with("failover:")) return "failover";
  const auto headers = decode_headers(row.get<std::string>("headers"));
  const bool correlated = std::any_of(headers.begin(), headers.end(), [&](const auto& header) {
    return header.name == "correlation-id" && header.value == event_id;
  });
  return correlated ? "reply" : "event";
}

Table outgoing_table(const Rows& emitted, const Rows& letters, const std::string& event_id) {
  const std::vector<Column> columns{{"id"},         {"topic"},         {"type"},
                                    {"message_id"}, {"state"},         {"attempts"},
                                    {"created_at"}, {"sent_at", true}, {"last_error", false, 60}};
  auto table = table_of(emitted, columns);
  auto more = table_of(letters, columns);
  table.columns.insert(table.columns.begin() + 1, {"kind"});
  std::size_t i = 0;
  for (const auto row : emitted)
    table.rows[i].insert(table.rows[i].begin() + 1, kind_of(row, event_id)), ++i;
  for (auto& row : more.rows) {
    row.insert(row.begin() + 1, std::string("dead letter"));
    table.rows.push_back(std::move(row));
  }
  return table;
}

Table inbox_table() {
  return {{{"consumer"},
           {"verdict"},
           {"type"},
           {"topic"},
           {"partition"},
           {"offset"},
           {"generation"},
           {"processed_at"},
           {"fingerprint", true},
           {"note"}},
          {}};
}

std::vector<Cell> inbox_row(const Row& row) {
  const auto offset = row.get<std::int64_t>("offset");
  const auto floor = row.get<std::optional<std::int64_t>>("dedup_floor").value_or(0);
  return {row.get<std::string>("consumer"),
          row.get<std::string>("verdict"),
          row.get<std::string>("type"),
          row.get<std::string>("topic"),
          row.get<std::int64_t>("partition"),
          offset,
          row.get<std::int64_t>("generation"),
          row.get<std::string>("processed_at"),
          hex_text(row.get<ByteVector>("fingerprint")),
          offset < floor ? Cell{"below dedup floor " + std::to_string(floor)} : Cell{}};
}

/// Why a consumer that reads the record's partition has no verdict about its event.
std::string why_none(const Row& reader, Offset offset) {
  const auto next = reader.get<std::int64_t>("next_offset");
  const auto first = reader.get<std::int64_t>("first_offset");
  const auto floor = reader.get<std::int64_t>("dedup_floor");
  if (offset >= next) return "not read yet: its position is " + std::to_string(next);
  if (offset < first) return "before its first offset, " + std::to_string(first);
  if (offset < floor)
    return "below its dedup floor, " + std::to_string(floor) + ": a verdict may have been pruned";
  return "its position is " + std::to_string(next) +
         ": passed without a verdict under this id; do its identity rules differ?";
}

/// Those who read where `known` (rows of an inbox table) stands, and are not among its consumers.
void add_the_silent(OpenTransaction& tx, const Table& known, Table& table) {
  const auto has_verdict = [&](const std::string& consumer) {
    return std::any_of(table.rows.begin(), table.rows.end(),
                       [&](const auto& row) { return std::get<std::string>(row[0]) == consumer; });
  };
  for (const auto& row : known.rows) {
    const auto& topic = std::get<std::string>(row[3]);
    const auto partition = std::get<std::int64_t>(row[4]);
    const auto offset = std::get<std::int64_t>(row[5]);
    for (const auto reader : tx.query(tx.dialect().render(kReaders), topic, partition)) {
      auto consumer = reader.get<std::string>("consumer");
      if (has_verdict(consumer)) continue;
      table.rows.push_back(
          {consumer, {}, {}, topic, partition, offset, {}, {}, {}, why_none(reader, offset)});
    }
  }
}

}  // namespace

std::vector<BoundSql> story_sql(const std::string& event_id) {
  const std::string outgoing(kOutgoingColumns);
  std::vector<BoundSql> statements;
  for (const auto& text : {std::string(kInbox), std::string(kLetters), std::string(kParked),
                           outgoing + std::string(kOutgoing),
                           outgoing + std::string(kRelayedLetters), std::string(kMails)})
    statements.push_back({text, {event_id}});
  return statements;
}

EventStory read_story(Database& database, const std::string& event_id) {
  std::vector<Rows> rows;
  auto inbox = inbox_table();
  own_transaction(database, "inbox", [&](OpenTransaction& tx) {
    for (const auto& statement : story_sql(event_id))
      rows.push_back(tx.query_with(tx.dialect().render(statement.text), statement.params()));
    for (const auto row : rows[kInboxRows]) inbox.rows.push_back(inbox_row(row));
    const auto known = inbox;
    add_the_silent(tx, known, inbox);
  });
  EventStory story;
  story.known = std::any_of(rows.begin(), rows.end(), [](const auto& r) { return !r.empty(); });
  story.sections = {{"inbox", std::move(inbox)},
                    {"dead_letters", table_of(rows[kLetterRows], {{"id"},
                                                                  {"consumer"},
                                                                  {"state"},
                                                                  {"reason"},
                                                                  {"handler"},
                                                                  {"topic"},
                                                                  {"partition"},
                                                                  {"offset"},
                                                                  {"attempts", true},
                                                                  {"redrives"},
                                                                  {"seen_again", true},
                                                                  {"dead_at"},
                                                                  {"due_at", true},
                                                                  {"error_text", false, 60}})},
                    {"parked", table_of(rows[kParkedRows], {{"id"},
                                                            {"consumer"},
                                                            {"topic"},
                                                            {"partition"},
                                                            {"offset"},
                                                            {"reason"},
                                                            {"handler"},
                                                            {"attempts"},
                                                            {"seen_again", true},
                                                            {"parked_at"},
                                                            {"due_at"},
                                                            {"dead_letter", true},
                                                            {"error_text", false, 60}})},
                    {"outgoing", outgoing_table(rows[kOutRows], rows[kDlqRows], event_id)},
                    {"mails", table_of(rows[kMailRows], {{"id"},
                                                         {"state"},
                                                         {"type"},
                                                         {"order_id"},
                                                         {"revision"},
                                                         {"message_id", true},
                                                         {"attempts"},
                                                         {"created_at"},
                                                         {"sent_at"},
                                                         {"last_error", false, 60}})}};
  return story;
}

std::vector<ForgottenBelow> forgotten(Database& database) {
  std::vector<ForgottenBelow> found;
  for (const auto row : ask(database, "inbox", {std::string(kForgotten), {}}))
    found.push_back({row.get<std::string>("consumer"), stored_partition(row),
                     row.get<std::int64_t>("dedup_floor")});
  return found;
}

}  // namespace kinbox::cli

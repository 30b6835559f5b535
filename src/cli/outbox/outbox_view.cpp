#include "cli/outbox/outbox_view.hpp"

#include <array>

#include "cli/output/readable.hpp"
#include "core/header_codec.hpp"
#include "core/own_statements.hpp"

namespace kinbox::cli {
namespace {

constexpr std::string_view kTopics = R"(
SELECT topic, state, count(*) AS amount, CAST(min(created_at) AS text) AS oldest,
       max(last_error) AS last_error
  FROM {kinbox}.outbox GROUP BY topic, state ORDER BY topic, state)";

constexpr std::string_view kLeased =
    "SELECT count(*) AS lanes FROM {kinbox}.outbox_lanes WHERE leased_until > {now}";

constexpr std::string_view kColumns =
    "SELECT id, state, topic, key, event_type, message_id, attempts, "
    "CAST(created_at AS text) AS created_at, CAST(sent_at AS text) AS sent_at, last_error "
    "FROM {kinbox}.outbox ";
constexpr std::string_view kList =
    "WHERE ($1 = 'all' OR state = $1 OR ($1 = 'open' AND state IN ('pending', 'refused'))) "
    "AND ($2 = '' OR topic = $2) ORDER BY id LIMIT $3";

constexpr std::string_view kContent = R"(
SELECT o.dead_letter_id, CASE WHEN d.id IS NULL THEN o.value ELSE d.value END AS value,
       CASE WHEN d.id IS NULL THEN o.headers ELSE d.headers END AS headers
  FROM {kinbox}.outbox AS o LEFT JOIN {kinbox}.letters AS d ON d.id = o.dead_letter_id
 WHERE o.id = $1)";

constexpr std::string_view kChange =
    "UPDATE {kinbox}.outbox SET state = $1 WHERE (state = 'refused' OR state = $2) ";
constexpr std::string_view kOne = "AND id = $3 RETURNING id";
constexpr std::string_view kMany = "AND ($3 = '' OR topic = $3) RETURNING id";

OutboxRow row_of(const Row& row) {
  OutboxRow entry;
  entry.id = row.get<std::int64_t>("id");
  entry.state = row.get<std::string>("state");
  entry.topic = row.get<std::string>("topic");
  entry.key = readable(row.get<std::optional<ByteVector>>("key"));
  entry.type = row.get<std::string>("event_type");
  entry.message_id = row.get<std::string>("message_id");
  entry.attempts = row.get<std::int64_t>("attempts");
  entry.created_at = row.get<std::string>("created_at");
  entry.sent_at = row.get<std::optional<std::string>>("sent_at");
  entry.last_error = row.get<std::string>("last_error");
  return entry;
}

void count(OutboxTopic& topic, const Row& row) {
  const auto state = row.get<std::string>("state");
  const auto rows = row.get<std::int64_t>("amount");
  if (state == "sent") topic.sent = rows;
  if (state == "discarded") topic.discarded = rows;
  if (state == "refused") topic.refused = rows;
  if (state == "pending") {
    topic.pending = rows;
    topic.oldest_pending = row.get<std::string>("oldest");
  }
  if (const auto error = row.get<std::string>("last_error");
      !error.empty() && (state == "pending" || state == "refused"))
    topic.last_error = error;
}

}  // namespace

std::vector<OutboxTopic> OutboxView::topics() {
  std::vector<OutboxTopic> topics;
  own_transaction(database_, "outbox", [&](OpenTransaction& tx) {
    for (const auto row : tx.query(tx.dialect().render(kTopics))) {
      const auto name = row.get<std::string>("topic");
      if (topics.empty() || topics.back().topic != name) topics.push_back({.topic = name});
      count(topics.back(), row);
    }
  });
  return topics;
}

std::int64_t OutboxView::leased_lanes() {
  std::int64_t lanes = 0;
  own_transaction(database_, "outbox", [&](OpenTransaction& tx) {
    lanes = tx.query(tx.dialect().render(kLeased))[0].get<std::int64_t>("lanes");
  });
  return lanes;
}

std::vector<OutboxRow> OutboxView::list(const OutboxSelection& selection) {
  std::vector<OutboxRow> found;
  own_transaction(database_, "outbox", [&](OpenTransaction& tx) {
    const auto sql = tx.dialect().render(std::string(kColumns).append(kList));
    for (const auto row : tx.query(sql, selection.state, selection.topic, selection.limit))
      found.push_back(row_of(row));
  });
  return found;
}

std::vector<std::pair<std::string, std::optional<std::string>>> OutboxView::show(std::int64_t id) {
  std::vector<std::pair<std::string, std::optional<std::string>>> facts;
  own_transaction(database_, "outbox", [&](OpenTransaction& tx) {
    const auto sql = tx.dialect().render(std::string(kColumns).append("WHERE id = $1"));
    for (const auto row : tx.query(sql, id)) {
      const auto entry = row_of(row);
      facts = {{"id", std::to_string(id)},
               {"state", entry.state},
               {"topic", entry.topic},
               {"key", entry.key},
               {"type", entry.type},
               {"message_id", entry.message_id},
               {"attempts", std::to_string(entry.attempts)},
               {"created_at", entry.created_at},
               {"sent_at", entry.sent_at},
               {"last_error", entry.last_error}};
    }
    for (const auto row : tx.query(tx.dialect().render(kContent), id)) {
      if (const auto letter = row.get<std::optional<std::int64_t>>("dead_letter_id"))
        facts.emplace_back("dead_letter", std::to_string(*letter));
      for (const auto& [name, value] : decode_headers(row.get<std::string>("headers")))
        facts.emplace_back("header " + readable(name),
                           value ? std::optional(readable(*value)) : std::nullopt);
      facts.emplace_back("value", readable(row.get<std::optional<ByteVector>>("value")));
    }
  });
  return facts;
}

std::vector<std::int64_t> OutboxView::retry(const OutboxSelection& selection) {
  return change(selection, "refused", "pending");
}

std::vector<std::int64_t> OutboxView::discard(const OutboxSelection& selection) {
  return change(selection, selection.ids.empty() ? "refused" : "pending", "discarded");
}

std::vector<std::int64_t> OutboxView::change(const OutboxSelection& selection, const char* from,
                                             const char* to) {
  std::vector<std::int64_t> changed;
  own_transaction(database_, "outbox", [&](OpenTransaction& tx) {
    const auto run = [&](std::string_view which, const SqlParam& argument) {
      const auto sql = tx.dialect().render(std::string(kChange).append(which));
      for (const Row row : tx.query_with(sql, std::array<SqlParam, 3>{to, from, argument}))
        changed.push_back(row.get<std::int64_t>("id"));
    };
    for (const auto id : selection.ids) run(kOne, id);
    if (selection.ids.empty()) run(kMany, selection.topic);
  });
  return changed;
}

}  // namespace kinbox::cli

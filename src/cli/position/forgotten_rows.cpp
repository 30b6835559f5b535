#include "cli/position/forgotten_rows.hpp"

#include <stop_token>
#include <utility>

#include "core/own_statements.hpp"
#include "core/retention/pace.hpp"

namespace kinbox::cli {
namespace {

/// As the pruner does, for the sake of workers of other partitions.
constexpr int kRest = 4;

// `applied`: what the partition's counter of them stands for.
constexpr std::string_view kPage =
    "SELECT count(*) AS looked_at, max(event_id) AS last_id, "
    "CAST(coalesce(sum(CASE WHEN ours THEN 1 ELSE 0 END), 0) AS bigint) AS found, "
    "CAST(coalesce(sum(CASE WHEN ours AND (verdict = 'applied' OR generation > 0) THEN 1 "
    "ELSE 0 END), 0) AS bigint) AS applied "
    "FROM (SELECT event_id, verdict, generation, "
    "topic = $2 AND partition = $3 AND record_offset >= $4 AS ours "
    "FROM {kinbox}.processed_events WHERE consumer = $1 AND event_id > $5 "
    "ORDER BY event_id LIMIT $6) AS page";
// Nobody adds rows of the partition without moving it.
constexpr std::string_view kAddUp =
    "UPDATE {kinbox}.consumer_progress SET forgotten = forgotten + $5 "
    "WHERE consumer = $1 AND topic = $2 AND partition = $3 AND next_offset = $4";
constexpr std::string_view kDelete =
    "DELETE FROM {kinbox}.processed_events WHERE consumer = $1 AND event_id > $5 "
    "AND event_id <= $6 AND topic = $2 AND partition = $3 AND record_offset >= $4";

}  // namespace

ForgottenRows::ForgottenRows(Database& database, std::string consumer, std::size_t batch)
    : database_(database),
      consumer_(std::move(consumer)),
      batch_(batch),
      page_(database.dialect().render(kPage)),
      add_up_(database.dialect().render(kAddUp)),
      delete_(database.dialect().render(kDelete)) {}

void ForgottenRows::remove(const Move& move) const {
  const auto& [topic, partition] = move.partition;
  const auto limit = static_cast<std::int64_t>(batch_);
  Pace pace(kRest, std::stop_token{});
  std::string after;
  for (bool more = true; more;) {
    auto last = after;
    pace.portion([&] {
      own_transaction(database_, "forget", [&](OpenTransaction& tx) {
        const auto page = tx.query(page_, consumer_, topic, partition, move.to, after, limit);
        more = page[0].get<std::int64_t>("looked_at") == limit;
        last = page[0].get<std::optional<std::string>>("last_id").value_or(after);
        if (page[0].get<std::int64_t>("found") == 0) return;
        const auto counted =
            tx.execute(add_up_, consumer_, topic, partition, move.from.value_or(move.to),
                       page[0].get<std::int64_t>("applied"));
        if (counted.affected_rows() != 1) refuse_moved(move.partition);
        tx.execute(delete_, consumer_, topic, partition, move.to, after, last);
      });
    });
    after = last;
  }
}

}  // namespace kinbox::cli

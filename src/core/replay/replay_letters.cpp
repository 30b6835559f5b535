#include "core/replay/replay_letters.hpp"

#include <utility>

#include "core/stored_record.hpp"

namespace kinbox {
namespace {

constexpr std::string_view kRetryable =
    "SELECT id, topic, partition, imported FROM {kinbox}.unresolved_letters "
    "WHERE consumer = $1 AND event_id = $2 AND state IN ('open', 'requested') "
    "AND reason <> 'id_conflict' AND purged_at IS NULL ORDER BY id LIMIT 1";
constexpr std::string_view kCount =
    "UPDATE {kinbox}.consumer_progress SET dead = dead - 1, applied = applied + 1 "
    "WHERE consumer = $1 AND topic = $2 AND partition = $3";
constexpr std::string_view kOfRecord =
    "SELECT id FROM {kinbox}.letters WHERE consumer = $1 AND topic = $2 AND topic_id = $3 "
    "AND partition = $4 AND record_offset = $5";
constexpr std::string_view kStopCounting =
    "UPDATE {kinbox}.letters SET imported = TRUE WHERE id = $1 "
    "AND NOT EXISTS (SELECT 1 FROM {kinbox}.letter_states AS s WHERE s.id = $1)";

}  // namespace

ReplayLetters::ReplayLetters(std::string consumer, const Dialect& dialect)
    : consumer_(std::move(consumer)),
      retryable_(dialect.render(kRetryable)),
      count_(dialect.render(kCount)),
      of_record_(dialect.render(kOfRecord)),
      stop_counting_(dialect.render(kStopCounting)) {}

std::optional<ReplayLetters::Letter> ReplayLetters::retryable(OpenTransaction& tx,
                                                              std::string_view event_id) const {
  const auto rows = tx.query(retryable_, consumer_, event_id);
  if (rows.empty()) return std::nullopt;
  const auto& row = rows[0];
  return Letter{.id = row.get<std::int64_t>("id"),
                .partition = stored_partition(row),
                .counted = !row.get<bool>("imported")};
}

void ReplayLetters::count_as_applied(OpenTransaction& tx, const TopicPartition& partition) const {
  tx.execute(count_, consumer_, partition.topic, partition.partition);
}

std::optional<std::int64_t> ReplayLetters::of_record(OpenTransaction& tx,
                                                     const Place& place) const {
  const auto rows = tx.query(of_record_, consumer_, place.partition.topic, place.topic_id,
                             place.partition.partition, place.offset);
  if (rows.empty()) return std::nullopt;
  return rows[0].get<std::int64_t>(0);
}

void ReplayLetters::stop_counting(OpenTransaction& tx, std::int64_t id) const {
  tx.execute(stop_counting_, id);
}

}  // namespace kinbox

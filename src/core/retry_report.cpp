#include "core/retry_report.hpp"

#include <utility>

#include "core/own_statements.hpp"
#include "core/replaced.hpp"
#include "core/sql_moment.hpp"
#include "core/storable_text.hpp"

namespace kinbox {
namespace {

using State = OwnedPartition::State;
using std::chrono::milliseconds;

constexpr std::size_t kMaxName = 255;
constexpr std::size_t kMaxErrorText = 1024;

constexpr std::string_view kTell =
    "INSERT INTO {kinbox}.retries (owner, topic, partition, record_offset, handler, attempts, "
    "since, due_at, error_type, error_text) "
    "VALUES ($1, $2, $3, $4, $5, $6, {since}, {due}, $9, $10) "
    "ON CONFLICT (owner, topic, partition) DO UPDATE SET "
    // Said anew it would be off by what the way to the database takes.
    "since = CASE WHEN retries.record_offset = excluded.record_offset THEN retries.since "
    "ELSE excluded.since END, "
    "record_offset = excluded.record_offset, handler = excluded.handler, "
    "attempts = excluded.attempts, due_at = excluded.due_at, error_type = excluded.error_type, "
    "error_text = excluded.error_text";
constexpr std::string_view kForget =
    "DELETE FROM {kinbox}.retries WHERE owner = $1 AND topic = $2 AND partition = $3";

/// Also while its event runs once more, or waits for earlier ones that are read again.
bool is_retrying(const OwnedPartition& partition) {
  return partition.failing_offset && *partition.failing_offset >= partition.claim.next_offset &&
         !partition.breaker_open &&
         (partition.state == State::kWaiting || partition.state == State::kRunning);
}

std::int64_t milliseconds_until(std::chrono::steady_clock::time_point moment) {
  const auto left = moment - std::chrono::steady_clock::now();
  return std::chrono::duration_cast<milliseconds>(left).count();
}

}  // namespace

RetryReport::RetryReport(Parts parts) : parts_(std::move(parts)) {
  const auto& dialect = parts_.database.dialect();
  const auto since = replaced(kTell, "{since}", sql_moment(dialect, "$7"));
  tell_ = dialect.render(replaced(since, "{due}", sql_moment(dialect, "$8")));
  forget_ = dialect.render(kForget);
}

void RetryReport::tell(const OwnedPartitions& partitions) {
  std::vector<const OwnedPartition*> news;
  for (const auto& [id, partition] : partitions)
    if (is_retrying(partition) && is_news(partition)) news.push_back(&partition);
  const auto gone = over(partitions);
  if (news.empty() && gone.empty()) return;
  own_transaction(parts_.database, "retries", [&](OpenTransaction& tx) {
    for (const auto* partition : news) write(tx, *partition);
    for (const auto& id : gone)
      tx.execute(forget_, parts_.owner, id.topic, std::int64_t{id.partition});
  });
  for (const auto* partition : news)
    told_[partition->id] = {*partition->failing_offset, partition->failure.attempts, Clock::now()};
  for (const auto& id : gone) told_.erase(id);
}

bool RetryReport::is_news(const OwnedPartition& partition) const {
  const auto told = told_.find(partition.id);
  if (told == told_.end()) return partition.retry_at - partition.failing_since >= parts_.moment;
  const bool changed = told->second.offset != *partition.failing_offset ||
                       told->second.attempts != partition.failure.attempts;
  return changed && Clock::now() - told->second.at >= parts_.moment;
}

std::vector<TopicPartition> RetryReport::over(const OwnedPartitions& partitions) const {
  std::vector<TopicPartition> gone;
  for (const auto& [id, told] : told_) {
    const auto found = partitions.find(id);
    if (found == partitions.end() || !is_retrying(found->second)) gone.push_back(id);
  }
  return gone;
}

void RetryReport::write(OpenTransaction& tx, const OwnedPartition& partition) const {
  const auto& failure = partition.failure;
  tx.execute(tell_, parts_.owner, partition.id.topic, std::int64_t{partition.id.partition},
             *partition.failing_offset, storable_text(failure.handler, kMaxName),
             std::int64_t{failure.attempts}, milliseconds_until(partition.failing_since),
             milliseconds_until(partition.retry_at), storable_text(failure.error_type, kMaxName),
             storable_text(failure.error_text, kMaxErrorText));
}

}  // namespace kinbox

#include "cli/status/progress_report.hpp"

#include <algorithm>
#include <string_view>

#include "core/replaced.hpp"
#include "core/sql_moment.hpp"
#include "core/stored_record.hpp"

namespace kinbox::cli {
namespace {

// One text for both databases. The pending rows of the outbox are few: they have an index of their
// own.
constexpr std::string_view kProgress = R"(
SELECT p.consumer, p.topic, p.partition, p.first_offset, p.next_offset,
       p.applied, p.duplicates, p.parked, p.dead, p.skipped, p.gaps,
       p.epoch, p.owner, p.owner_session, p.state, p.state_reason, p.clean_stop, p.updated_at,
       p.held_by,
       EXISTS (SELECT 1 FROM {kinbox}.workers k
                WHERE k.owner = p.owner AND k.seen_until >= {now}) AS owner_at_work,
       coalesce(d.open, 0) AS open_dead_letters,
       coalesce(o.pending, 0) AS outbox_pending,
       coalesce(o.last_error, '') AS outbox_last_error,
       r.record_offset AS retry_offset, r.handler AS retry_handler, r.attempts AS retry_attempts,
       {since} AS retry_since, {until_since} AS retry_until_since, {due} AS retry_due_at,
       r.error_type AS retry_error_type, r.error_text AS retry_error_text
  FROM {kinbox}.consumer_progress p
  LEFT JOIN (SELECT s.consumer, s.topic, s.partition, count(*) AS open
               FROM {kinbox}.letter_states s
              WHERE s.state = 'open' GROUP BY s.consumer, s.topic, s.partition) d
    ON d.consumer = p.consumer AND d.topic = p.topic AND d.partition = p.partition
  LEFT JOIN (SELECT d.consumer, d.topic, d.partition, count(*) AS pending,
                    max(w.last_error) AS last_error
               FROM {kinbox}.outbox w JOIN {kinbox}.letters d ON d.id = w.dead_letter_id
              WHERE w.state = 'pending' GROUP BY d.consumer, d.topic, d.partition) o
    ON o.consumer = p.consumer AND o.topic = p.topic AND o.partition = p.partition
  LEFT JOIN {kinbox}.retries r
    ON r.owner = p.owner AND r.topic = p.topic AND r.partition = p.partition
 ORDER BY p.consumer, p.topic, p.partition)";

Tally tally_of(const Row& row) {
  return {.applied = row.get<std::int64_t>("applied"),
          .duplicates = row.get<std::int64_t>("duplicates"),
          .parked = row.get<std::int64_t>("parked"),
          .dead = row.get<std::int64_t>("dead"),
          .skipped = row.get<std::int64_t>("skipped"),
          .gaps = row.get<std::int64_t>("gaps")};
}

std::optional<ReportedRetry> retry_of(const Row& row) {
  const auto offset = row.get<std::optional<std::int64_t>>("retry_offset");
  if (!offset) return std::nullopt;
  const auto ago = -row.get<std::int64_t>("retry_until_since");
  return ReportedRetry{.offset = *offset,
                       .handler = row.get<std::string>("retry_handler"),
                       .attempts = row.get<std::int64_t>("retry_attempts"),
                       .since = row.get<std::string>("retry_since"),
                       .seconds = std::max<std::int64_t>(ago / 1000, 0),
                       .due_at = row.get<std::string>("retry_due_at"),
                       .error_type = row.get<std::string>("retry_error_type"),
                       .error_text = row.get<std::string>("retry_error_text")};
}

PartitionReport report_of(const Row& row) {
  PartitionReport report;
  report.consumer = row.get<std::string>("consumer");
  report.partition = stored_partition(row);
  report.first_offset = row.get<std::int64_t>("first_offset");
  report.next_offset = row.get<std::int64_t>("next_offset");
  report.tally = tally_of(row);
  report.epoch = row.get<std::int64_t>("epoch");
  report.owner = row.get<std::string>("owner");
  report.owner_session = row.get<std::string>("owner_session");
  report.stored_state = row.get<std::string>("state");
  report.state_reason = row.get<std::string>("state_reason");
  report.clean_stop = row.get<bool>("clean_stop");
  report.owner_at_work = row.get<bool>("owner_at_work");
  report.held_by = row.get<std::optional<std::int64_t>>("held_by");
  report.retry = retry_of(row);
  report.updated_at = row.get<std::string>("updated_at");
  report.open_dead_letters = row.get<std::int64_t>("open_dead_letters");
  report.outbox_pending = row.get<std::int64_t>("outbox_pending");
  report.outbox_last_error = row.get<std::string>("outbox_last_error");
  return report;
}

}  // namespace

std::string PartitionReport::state() const {
  if (stands()) return stored_state;
  if (clean_stop) return "stopped";
  if (!owner_at_work) return "lost";
  if (held_by) return "held";
  return retry ? "retrying" : "running";
}

std::vector<PartitionReport> read_progress(Database& database) {
  const auto& dialect = database.dialect();
  auto progress = replaced(kProgress, "{since}", sql_iso_text(dialect, "r.since"));
  progress = replaced(progress, "{until_since}", sql_milliseconds_until(dialect, "r.since"));
  progress = replaced(progress, "{due}", sql_iso_text(dialect, "r.due_at"));
  const auto tx = database.begin();
  std::vector<PartitionReport> reports;
  for (const auto row : tx->query(dialect.render(progress))) reports.push_back(report_of(row));
  tx->rollback();
  return reports;
}

}  // namespace kinbox::cli

#include "core/outbox_rows.hpp"

#include "core/dlq_record.hpp"
#include "core/header_codec.hpp"
#include "core/hex_text.hpp"
#include "core/replaced.hpp"
#include "core/sql_list.hpp"
#include "core/sql_moment.hpp"
#include "core/storable_text.hpp"

namespace kinbox {
namespace {

constexpr std::size_t kMaxErrorText = 1024;

// SKIP LOCKED: another relay's lease in progress is not worth waiting for.
constexpr std::string_view kLeasePostgres =
    "UPDATE {kinbox}.outbox_lanes SET token = $1, "
    "leased_until = {until} "
    "WHERE lane IN (SELECT lane FROM {kinbox}.outbox_lanes WHERE token = $1 "
    "OR leased_until IS NULL OR leased_until < {now} ORDER BY lane FOR UPDATE SKIP LOCKED)";
constexpr std::string_view kLeaseSqlite =
    "UPDATE {kinbox}.outbox_lanes SET token = $1, "
    "leased_until = {until} "
    "WHERE token = $1 OR leased_until IS NULL OR leased_until < {now}";

constexpr std::string_view kRelease =
    "UPDATE {kinbox}.outbox_lanes SET token = '', leased_until = NULL WHERE token = $1";

constexpr std::string_view kPending =
    "SELECT o.id, o.key_hash, o.topic AS target, o.message_id, o.dead_letter_id, "
    "COALESCE(d.topic, o.topic) AS topic, d.partition, d.record_offset, "
    "CASE WHEN d.id IS NULL THEN o.record_timestamp_ms ELSE d.record_timestamp_ms END AS ts, "
    "CASE WHEN d.id IS NULL THEN o.key ELSE d.key END AS key, "
    "CASE WHEN d.id IS NULL THEN o.value ELSE d.value END AS value, "
    "CASE WHEN d.id IS NULL THEN o.headers ELSE d.headers END AS headers, "
    "c.group_id, d.event_id, d.handler, d.reason, d.error_type, d.error_text, d.fingerprint, "
    "d.attempts, d.redrive_count, {first_failed_at} AS first_failed_at, {dead_at} AS dead_at "
    "FROM {kinbox}.outbox AS o "
    "LEFT JOIN {kinbox}.letters AS d ON d.id = o.dead_letter_id "
    "LEFT JOIN {kinbox}.consumers AS c ON c.name = d.consumer "
    "WHERE o.state = 'pending' "
    "AND o.lane IN (SELECT lane FROM {kinbox}.outbox_lanes WHERE token = $1) "
    "AND NOT EXISTS (SELECT 1 FROM {kinbox}.outbox AS aside WHERE aside.state = 'refused' "
    "AND aside.key_hash = o.key_hash AND aside.id < o.id AND aside.dead_letter_id IS NULL) "
    "AND {without} ORDER BY o.id LIMIT $2";
// Lists that change from round to round, in a text that does not.
constexpr std::string_view kWithoutPostgres =
    "o.key_hash <> ALL ($3::bigint[]) AND o.topic <> ALL ($4::text[])";
constexpr std::string_view kWithoutSqlite =
    "o.key_hash NOT IN (SELECT value FROM json_each($3)) "
    "AND o.topic NOT IN (SELECT value FROM json_each($4))";

constexpr std::string_view kCount =
    "SELECT count(*) AS waiting FROM {kinbox}.outbox WHERE state = 'pending' AND topic = $1";

constexpr std::string_view kMarkSent =
    "UPDATE {kinbox}.outbox SET state = 'sent', sent_at = {now}, attempts = attempts + 1, "
    "last_error = '' WHERE state = 'pending' AND id {ids} RETURNING id";
constexpr std::string_view kMarkFailed =
    "UPDATE {kinbox}.outbox SET attempts = attempts + 1, last_error = $2 "
    "WHERE id = $1 AND state = 'pending'";
constexpr std::string_view kMarkRefused =
    "UPDATE {kinbox}.outbox SET state = 'refused', attempts = attempts + 1, last_error = $2 "
    "WHERE id = $1 AND state = 'pending'";

// The oldest of those that were sent: what became old is among them, and nothing else is looked at.
constexpr std::string_view kPrune =
    "DELETE FROM {kinbox}.outbox WHERE id IN (SELECT id FROM (SELECT id, sent_at "
    "FROM {kinbox}.outbox WHERE state = 'sent' ORDER BY id LIMIT $2{skip}) AS oldest "
    "WHERE sent_at < {then})";

std::string lease_text(const Dialect& dialect) {
  const bool sqlite = dialect.backend() == Backend::kSqlite;
  const auto text = sqlite ? kLeaseSqlite : kLeasePostgres;
  return dialect.render(replaced(text, "{until}", sql_moment(dialect, "$2")));
}

std::string prune_text(const Dialect& dialect) {
  const bool sqlite = dialect.backend() == Backend::kSqlite;
  // Another relay may be at it.
  auto text = replaced(kPrune, "{skip}", sqlite ? "" : " FOR UPDATE SKIP LOCKED");
  return dialect.render(replaced(text, "{then}", sql_moment(dialect, "-$1")));
}

BulkStatement mark_sent_statement(const Dialect& dialect) {
  const auto with = [&](std::string_view ids) {
    return dialect.render(replaced(kMarkSent, "{ids}", ids));
  };
  return {with("= $1"), with("= ANY ($1::bigint[])")};
}

std::string pending_text(const Dialect& dialect) {
  const bool sqlite = dialect.backend() == Backend::kSqlite;
  auto text =
      replaced(dialect.render(kPending), "{without}", sqlite ? kWithoutSqlite : kWithoutPostgres);
  for (const std::string column : {"first_failed_at", "dead_at"})
    text = replaced(text, '{' + column + '}', sql_iso_text(dialect, "d." + column));
  return text;
}

std::optional<std::string> as_string(const std::optional<ByteVector>& bytes) {
  if (!bytes) return std::nullopt;
  return std::string(as_text(*bytes));
}

OwnedRecord stored_record(const kinbox::Row& row) {
  OwnedRecord record;
  record.topic = row.get<std::string>("topic");
  record.key = as_string(row.get<std::optional<ByteVector>>("key"));
  record.value = as_string(row.get<std::optional<ByteVector>>("value"));
  record.headers = decode_headers(row.get<std::string>("headers"));
  if (const auto ms = row.get<std::optional<std::int64_t>>("ts"))
    record.timestamp = Timestamp{std::chrono::milliseconds{*ms}};
  return record;
}

OwnedRecord letter_record(const kinbox::Row& row, OwnedRecord record) {
  const auto text = [&](std::string_view column) {
    return row.get<std::optional<std::string>>(column).value_or("");
  };
  record.partition = static_cast<std::int32_t>(row.get<std::int64_t>("partition"));
  record.offset = row.get<std::int64_t>("record_offset");
  return dlq_record({.record = std::move(record),
                     .message_id = text("message_id"),
                     .group = text("group_id"),
                     .event_id = text("event_id"),
                     .handler = text("handler"),
                     .reason = text("reason"),
                     .error_type = text("error_type"),
                     .error_text = text("error_text"),
                     .fingerprint_hex = hex_text(row.get<ByteVector>("fingerprint")),
                     .attempts = row.get<std::int64_t>("attempts"),
                     .redrive_count = row.get<std::int64_t>("redrive_count"),
                     .first_failed_at = text("first_failed_at"),
                     .dead_at = text("dead_at")},
                    row.get<std::string>("target"));
}

}  // namespace

OutboxRows::OutboxRows(const Dialect& dialect, std::string token)
    : backend_(dialect.backend()),
      token_(std::move(token)),
      lease_(lease_text(dialect)),
      release_(dialect.render(kRelease)),
      pending_(pending_text(dialect)),
      count_(dialect.render(kCount)),
      mark_sent_(mark_sent_statement(dialect)),
      mark_failed_(dialect.render(kMarkFailed)),
      mark_refused_(dialect.render(kMarkRefused)),
      prune_(prune_text(dialect)) {}

std::size_t OutboxRows::lease(OpenTransaction& tx, std::chrono::milliseconds duration) const {
  return static_cast<std::size_t>(tx.execute(lease_, token_, duration.count()).affected_rows());
}

void OutboxRows::release(OpenTransaction& tx) const { tx.execute(release_, token_); }

std::vector<OutboxRows::Row> OutboxRows::pending(OpenTransaction& tx, std::size_t limit,
                                                 const Without& without) const {
  const auto keys = sql_list(backend_, without.keys);
  const auto topics = sql_list(backend_, without.topics, "\"");
  std::vector<Row> rows;
  for (const auto row :
       tx.query(pending_, token_, static_cast<std::int64_t>(limit), keys, topics)) {
    auto record = stored_record(row);
    const bool is_letter = row.get<std::optional<std::int64_t>>("dead_letter_id").has_value();
    rows.push_back({row.get<std::int64_t>("id"), row.get<std::int64_t>("key_hash"), is_letter,
                    is_letter ? letter_record(row, std::move(record)) : std::move(record)});
  }
  return rows;
}

std::size_t OutboxRows::count_pending(OpenTransaction& tx, const std::string& topic) const {
  return static_cast<std::size_t>(tx.query(count_, topic)[0].get<std::int64_t>(0));
}

void OutboxRows::mark_sent(OpenTransaction& tx, const std::vector<std::int64_t>& ids) const {
  const std::vector<SqlParam> params(ids.begin(), ids.end());
  if (!ids.empty()) tx.query_bulk(mark_sent_, params, 1);
}

void OutboxRows::mark_failed(OpenTransaction& tx, std::int64_t id, std::string_view error) const {
  tx.execute(mark_failed_, id, storable_text(error, kMaxErrorText));
}

void OutboxRows::mark_refused(OpenTransaction& tx, std::int64_t id, std::string_view error) const {
  tx.execute(mark_refused_, id, storable_text(error, kMaxErrorText));
}

std::size_t OutboxRows::prune(OpenTransaction& tx, std::chrono::milliseconds retention,
                              std::size_t limit) const {
  const auto deleted = tx.execute(prune_, retention.count(), static_cast<std::int64_t>(limit));
  return static_cast<std::size_t>(deleted.affected_rows());
}

}  // namespace kinbox

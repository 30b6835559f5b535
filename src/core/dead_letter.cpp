#include "kinbox/dead_letter.hpp"

#include "core/attempt_times.hpp"
#include "core/dlq_record.hpp"
#include "core/dlq_topic_name.hpp"
#include "core/error_group.hpp"
#include "core/header_codec.hpp"
#include "core/hex_text.hpp"
#include "core/iso_time.hpp"
#include "core/letter_states.hpp"
#include "core/outbox_place.hpp"
#include "core/replaced.hpp"
#include "core/storable_text.hpp"
#include "core/stored_record.hpp"

namespace kinbox {
namespace {

constexpr std::size_t kMaxErrorText = 8192;
constexpr std::size_t kMaxName = 512;

constexpr std::string_view kInsertLetter =
    "INSERT INTO {kinbox}.letters (consumer, event_id, event_type, topic, topic_id, "
    "partition, record_offset, record_timestamp_ms, key, value, headers, fingerprint, reason, "
    "handler, error_type, error_code, error_text, error_group, attempts, first_failed_at, "
    "seen_again, imported, failed_at) "
    "VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, "
    "$20, COALESCE((SELECT seen_again FROM {kinbox}.parked_events WHERE id = $21), 0), $22, $23) "
    "ON CONFLICT (consumer, topic, topic_id, partition, record_offset) DO NOTHING RETURNING id";

// No second copy of the payload: the relay reads it from the letter.
constexpr std::string_view kInsertOutbox =
    "INSERT INTO {kinbox}.outbox (lane, key_hash, message_id, topic, dead_letter_id, key) "
    "VALUES ($1, $2, $3, $4, $5, $6)";

constexpr std::string_view kInsertForwarded =
    "INSERT INTO {kinbox}.outbox (lane, key_hash, message_id, topic, key, value, headers, "
    "record_timestamp_ms, causation_id) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)";

// Attempts of one that waited in a queue were counted there anew.
constexpr std::string_view kReopen =
    "UPDATE {kinbox}.letters SET redrive_count = redrive_count + 1, reason = $2, handler = $3, "
    "error_type = $4, error_code = $5, error_text = $6, error_group = $8, dead_at = {now}, "
    "attempts = $7 + CASE WHEN {parked} THEN attempts ELSE 0 END, "
    "failed_at = CASE WHEN {parked} AND failed_at <> '' THEN failed_at || ' ' ELSE '' END || $9, "
    "crashes = 0 WHERE id = $1";
constexpr std::string_view kIsParked =
    "EXISTS (SELECT 1 FROM {kinbox}.letter_states AS s WHERE s.id = $1 AND s.state = 'parked')";
constexpr std::string_view kNoteFailedAgain =
    "INSERT INTO {kinbox}.dead_letter_history (dead_letter_id, what, detail) "
    "VALUES ($1, 'failed_again', $2)";

// An id_conflict is another event under this id: the record that came again is not it.
constexpr std::string_view kSeenAgain =
    "UPDATE {kinbox}.letters SET seen_again = seen_again + 1 "
    "WHERE consumer = $1 AND event_id = $2 AND reason <> 'id_conflict'";

std::string coordinates(const Record& record) {
  return std::string(record.topic()) + '/' + std::to_string(record.partition()) + '/' +
         std::to_string(record.offset());
}

/// Order holds per key; a record without one has an order of its own.
std::string lane_key(const Record& record) {
  return record.key() ? std::string(as_text(*record.key())) : coordinates(record);
}

std::optional<std::string> time_text(std::optional<Timestamp> time) {
  if (!time) return std::nullopt;
  return iso_text(*time);
}

}  // namespace

DeadLetters::DeadLetters(Options options, const Dialect& dialect)
    : options_(std::move(options)),
      insert_letter_(dialect.render(kInsertLetter)),
      insert_outbox_(dialect.render(kInsertOutbox)),
      insert_forwarded_(dialect.render(kInsertForwarded)),
      open_(set_letter_state(dialect, "open").for_each_row),
      reopen_(dialect.render(replaced(kReopen, "{parked}", kIsParked))),
      note_failed_again_(dialect.render(kNoteFailedAgain)),
      seen_again_(dialect.render(kSeenAgain)) {}

void DeadLetters::write(OpenTransaction& tx, const DeadLetter& letter) const {
  const auto& record = *letter.record;
  const auto& failure = letter.failure;
  const auto fingerprint =
      letter.event != nullptr ? letter.event->fingerprint() : Fingerprint::of(record.value());
  const auto event_id = letter.event != nullptr ? std::optional(letter.event->id()) : std::nullopt;
  const auto event_type = letter.event != nullptr ? letter.event->type() : std::string();
  const auto inserted = tx.query(
      insert_letter_, options_.consumer, event_id, event_type, record.topic(), letter.topic_id,
      record.partition(), record.offset(), milliseconds(record.timestamp()), record.key(),
      record.value(), encode_headers(record.headers()), fingerprint.bytes(), failure.reason,
      storable_text(failure.handler, kMaxName), storable_text(failure.error_type, kMaxName),
      storable_text(failure.error_code, kMaxName), storable_text(failure.error_text, kMaxErrorText),
      error_group(failure), failure.attempts, time_text(failure.first_failed_at), letter.parked,
      letter.imported, attempt_times_text(failure.failed_at));
  if (inserted.empty()) return;
  const auto id = inserted[0].get<std::int64_t>(0);
  tx.execute(open_, id);
  relay(tx, id, record);
}

void DeadLetters::forward(OpenTransaction& tx, const DeadLetter& letter,
                          const std::string& topic) const {
  const auto& record = *letter.record;
  const auto& failure = letter.failure;
  const auto fingerprint = Fingerprint::of(record.value());
  const auto event_id = letter.event != nullptr ? letter.event->id() : std::string();
  const auto message_id = "failover:" + options_.consumer + ':' + coordinates(record);
  const Record forwarded(
      dlq_record({.record = record.copy(),
                  .message_id = message_id,
                  .group = options_.group,
                  .event_id = event_id,
                  .handler = failure.handler,
                  .reason = failure.reason,
                  .error_type = failure.error_type,
                  .error_text = failure.error_text,
                  .fingerprint_hex = hex_text(fingerprint.bytes()),
                  .attempts = failure.attempts,
                  .first_failed_at = time_text(failure.first_failed_at).value_or(""),
                  .dead_at = ""},
                 topic));
  const auto place = outbox_place(topic, lane_key(record));
  tx.execute(insert_forwarded_, place.lane, place.hash, message_id, topic, forwarded.key(),
             forwarded.value(), encode_headers(forwarded.headers()),
             milliseconds(record.timestamp()), event_id);
  ++tx.outbox_rows_;
}

void DeadLetters::reopen(OpenTransaction& tx, std::int64_t id, const Record& record,
                         const Failure& failure) const {
  tx.execute(reopen_, id, failure.reason, storable_text(failure.handler, kMaxName),
             storable_text(failure.error_type, kMaxName),
             storable_text(failure.error_code, kMaxName),
             storable_text(failure.error_text, kMaxErrorText), failure.attempts,
             error_group(failure), attempt_times_text(failure.failed_at));
  tx.execute(open_, id);
  tx.execute(note_failed_again_, id, storable_text(failure.error_text, kMaxErrorText));
  relay(tx, id, record);
}

void DeadLetters::relay(OpenTransaction& tx, std::int64_t id, const Record& record) const {
  if (!options_.relay) return;
  const auto topic =
      dlq_topic_name(options_.dlq_topic, options_.group, record.topic(), options_.consumer);
  const auto place = outbox_place(topic, lane_key(record));
  tx.execute(insert_outbox_, place.lane, place.hash,
             "dlq:" + options_.consumer + ':' + coordinates(record), topic, id, record.key());
  ++tx.outbox_rows_;
}

void DeadLetters::note_seen_again(OpenTransaction& tx, std::string_view event_id) const {
  tx.execute(seen_again_, options_.consumer, event_id);
}

}  // namespace kinbox

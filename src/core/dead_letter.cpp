#include "kinbox/dead_letter.hpp"

#include "core/error_group.hpp"
#include "core/header_codec.hpp"
#include "core/iso_time.hpp"
#include "core/outbox_place.hpp"
#include "core/storable_text.hpp"

namespace kinbox {
namespace {

constexpr std::size_t kMaxErrorText = 8192;
constexpr std::size_t kMaxName = 512;

constexpr std::string_view kInsertLetter =
    "INSERT INTO {kinbox}.dead_letters (consumer, event_id, event_type, topic, topic_id, "
    "partition, record_offset, record_timestamp_ms, key, value, headers, fingerprint, reason, "
    "handler, error_type, error_code, error_text, error_group, attempts, first_failed_at) "
    "VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, "
    "$20) "
    "ON CONFLICT (consumer, topic, topic_id, partition, record_offset) DO NOTHING RETURNING id";

// No second copy of the payload: the relay reads it from the letter.
constexpr std::string_view kInsertOutbox =
    "INSERT INTO {kinbox}.outbox (lane, key_hash, message_id, topic, dead_letter_id, key) "
    "VALUES ($1, $2, $3, $4, $5, $6)";

// An id_conflict is another event under this id: the record that came again is not it.
constexpr std::string_view kSeenAgain =
    "UPDATE {kinbox}.dead_letters SET seen_again = seen_again + 1 "
    "WHERE consumer = $1 AND event_id = $2 AND reason <> 'id_conflict'";

std::string replace(std::string text, std::string_view from, std::string_view to) {
  for (auto at = text.find(from); at != std::string::npos; at = text.find(from, at + to.size()))
    text.replace(at, from.size(), to);
  return text;
}

std::string coordinates(const Record& record) {
  return std::string(record.topic()) + '/' + std::to_string(record.partition()) + '/' +
         std::to_string(record.offset());
}

std::optional<std::int64_t> milliseconds(std::optional<Timestamp> time) {
  if (!time) return std::nullopt;
  return time->time_since_epoch().count();
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
      error_group(failure), failure.attempts, time_text(failure.first_failed_at));
  if (inserted.empty() || !options_.relay) return;

  const auto topic = replace(
      replace(replace(options_.dlq_topic, "{group}", options_.group), "{topic}", record.topic()),
      "{consumer}", options_.consumer);
  const auto lane_key = record.key() ? std::string(as_text(*record.key())) : coordinates(record);
  const auto place = outbox_place(topic, lane_key);
  tx.execute(insert_outbox_, place.lane, place.hash,
             "dlq:" + options_.consumer + ':' + coordinates(record), topic,
             inserted[0].get<std::int64_t>(0), record.key());
  ++tx.outbox_rows_;
}

void DeadLetters::note_seen_again(OpenTransaction& tx, std::string_view event_id) const {
  tx.execute(seen_again_, options_.consumer, event_id);
}

}  // namespace kinbox

#include "core/letter_insert.hpp"

#include <algorithm>
#include <map>
#include <utility>

#include "core/error_group.hpp"
#include "core/header_codec.hpp"
#include "core/iso_time.hpp"
#include "core/letter_import.hpp"
#include "core/letter_states.hpp"
#include "core/storable_text.hpp"
#include "kinbox/errors.hpp"

namespace kinbox {
namespace {

constexpr std::size_t kMaxErrorText = 8192;
constexpr std::size_t kMaxName = 512;
/// Letters that travel together: their values are one message.
constexpr std::size_t kInsertedAtOnce = 500;

constexpr std::string_view kInsertEach =
    "INSERT INTO {kinbox}.letters (consumer, event_id, event_type, topic, topic_id, "
    "partition, record_offset, record_timestamp_ms, key, value, headers, fingerprint, reason, "
    "handler, error_type, error_code, error_text, error_group, attempts, first_failed_at, "
    "dead_at, redrive_count, edited, edited_value, imported) "
    "VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, "
    "$19, $20, COALESCE($21, {now}), $22, $23, $24, 1) "
    "ON CONFLICT (consumer, topic, topic_id, partition, record_offset) DO NOTHING RETURNING id";
constexpr std::string_view kInsertAll =
    "INSERT INTO {kinbox}.letters (consumer, event_id, event_type, topic, topic_id, "
    "partition, record_offset, record_timestamp_ms, key, value, headers, fingerprint, reason, "
    "handler, error_type, error_code, error_text, error_group, attempts, first_failed_at, "
    "dead_at, redrive_count, edited, edited_value, imported) "
    "SELECT consumer, event_id, event_type, topic, topic_id, partition, record_offset, stamp, "
    "key, value, headers, fingerprint, reason, handler, error_type, error_code, error_text, "
    "error_group, attempts, first_failed_at, COALESCE(dead_at, {now}), redrive_count, "
    "edited, edited_value, true "
    "FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::integer[], "
    "$7::bigint[], $8::bigint[], $9::bytea[], $10::bytea[], $11::text[], $12::bytea[], "
    "$13::text[], $14::text[], $15::text[], $16::text[], $17::text[], $18::text[], "
    "$19::integer[], $20::timestamptz[], $21::timestamptz[], $22::integer[], $23::boolean[], "
    "$24::bytea[]) AS letter (consumer, event_id, event_type, topic, topic_id, "
    "partition, record_offset, stamp, key, value, headers, fingerprint, reason, handler, "
    "error_type, error_code, error_text, error_group, attempts, first_failed_at, dead_at, "
    "redrive_count, edited, edited_value) "
    "ON CONFLICT (consumer, topic, topic_id, partition, record_offset) DO NOTHING RETURNING id";
constexpr std::size_t kLetterColumns = 24;

std::optional<std::string> time_text(std::optional<Timestamp> time) {
  if (!time) return std::nullopt;
  return iso_text(*time);
}

std::optional<Bytes> bytes_of(const std::optional<std::string>& text) {
  if (!text) return std::nullopt;
  return as_bytes(*text);
}

/// The texts that a row's parameters point to.
struct RowTexts {
  explicit RowTexts(const ImportedLetter& letter) {
    const auto& failure = letter.failure;
    const Record record(letter.record);
    headers = encode_headers(record.headers());
    handler = storable_text(failure.handler, kMaxName);
    error_type = storable_text(failure.error_type, kMaxName);
    error_code = storable_text(failure.error_code, kMaxName);
    error_text = storable_text(failure.error_text, kMaxErrorText);
    group = error_group(failure);
    first_failed_at = time_text(failure.first_failed_at);
    dead_at = time_text(letter.dead_at);
  }

  std::string headers;
  std::string handler;
  std::string error_type;
  std::string error_code;
  std::string error_text;
  std::string group;
  std::optional<std::string> first_failed_at;
  std::optional<std::string> dead_at;
};

void append_row(std::vector<SqlParam>& rows, const std::string& consumer, const LetterRow& row,
                const RowTexts& texts) {
  const auto* letter = row.letter;
  const auto& record = letter->record;
  std::optional<std::int64_t> stamp;
  if (record.timestamp) stamp = record.timestamp->time_since_epoch().count();
  rows.insert(rows.end(), {consumer,
                           letter->event_id,
                           letter->event_type,
                           record.topic,
                           letter->topic_id,
                           record.partition,
                           record.offset,
                           stamp,
                           bytes_of(record.key),
                           bytes_of(record.value),
                           texts.headers,
                           row.fingerprint.bytes(),
                           row.reason,
                           texts.handler,
                           texts.error_type,
                           texts.error_code,
                           texts.error_text,
                           texts.group,
                           letter->failure.attempts,
                           texts.first_failed_at,
                           texts.dead_at,
                           letter->redrive_count,
                           letter->edited_value.has_value(),
                           bytes_of(letter->edited_value)});
}

}  // namespace

LetterInsert::LetterInsert(std::string consumer, const Dialect& dialect)
    : consumer_(std::move(consumer)),
      insert_{dialect.render(kInsertEach), dialect.render(kInsertAll)},
      open_(set_letter_state(dialect, "open")),
      discarded_(set_letter_state(dialect, "discarded")) {}

std::vector<std::int64_t> LetterInsert::run(OpenTransaction& tx,
                                            std::span<const LetterRow* const> letters) const {
  std::map<ImportedLetter::State, std::vector<const LetterRow*>> by_state;
  for (const auto* letter : letters) by_state[letter->state].push_back(letter);
  std::vector<std::int64_t> all;
  for (const auto& [state, rows] : by_state) {
    const auto ids = insert(tx, rows);
    const std::vector<SqlParam> params(ids.begin(), ids.end());
    // A resolved one has no row.
    if (state == ImportedLetter::State::kOpen) tx.query_bulk(open_, params, 1);
    if (state == ImportedLetter::State::kDiscarded) tx.query_bulk(discarded_, params, 1);
    all.insert(all.end(), ids.begin(), ids.end());
  }
  return all;
}

std::vector<std::int64_t> LetterInsert::insert(OpenTransaction& tx,
                                               std::span<const LetterRow* const> letters) const {
  std::vector<std::int64_t> ids;
  const auto wanted = letters.size();
  ids.reserve(wanted);
  for (; !letters.empty(); letters = letters.subspan(std::min(kInsertedAtOnce, letters.size()))) {
    std::vector<RowTexts> texts;
    std::vector<SqlParam> rows;
    // They must stay where the rows point to.
    texts.reserve(kInsertedAtOnce);
    for (const auto* letter : letters.first(std::min(kInsertedAtOnce, letters.size())))
      append_row(rows, consumer_, *letter, texts.emplace_back(*letter->letter));
    for (const auto row : tx.query_bulk(insert_, rows, kLetterColumns))
      ids.push_back(row.get<std::int64_t>(0));
  }
  if (ids.size() != wanted)
    throw InfrastructureError(
        "letters of the same records were written at the same moment; import them again");
  return ids;
}

}  // namespace kinbox

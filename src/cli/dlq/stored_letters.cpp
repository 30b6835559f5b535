#include "cli/dlq/stored_letters.hpp"

#include <map>

#include "cli/config/units.hpp"
#include "core/header_codec.hpp"
#include "core/replaced.hpp"
#include "core/sql_moment.hpp"

namespace kinbox::cli {
namespace {

constexpr std::string_view kIds =
    "SELECT id FROM {letters} WHERE {where} AND purged_at IS NULL "
    "ORDER BY consumer, topic, partition, record_offset, id{limit}";

constexpr std::string_view kLetters =
    "SELECT id, consumer, event_id, event_type, topic, topic_id, partition, record_offset, "
    "record_timestamp_ms, key, value, headers, reason, handler, error_type, error_code, "
    "error_text, attempts, {first_failed_at} AS first_failed_at, {dead_at} AS dead_at, state, "
    "redrive_count, edited_value FROM {kinbox}.dead_letters WHERE id ";

BulkStatement letters_statement(const Dialect& dialect) {
  std::string text(kLetters);
  for (const std::string column : {"first_failed_at", "dead_at"})
    text = replaced(text, '{' + column + '}', sql_iso_text(dialect, column));
  return {dialect.render(text + "= $1"), dialect.render(text + "= ANY ($1::bigint[])")};
}

std::optional<std::string> bytes(const Row& row, std::string_view column) {
  const auto value = row.get<std::optional<ByteVector>>(column);
  if (!value) return std::nullopt;
  return std::string(as_text(*value));
}

std::optional<Timestamp> time(const Row& row, std::string_view column) {
  const auto text = row.get<std::optional<std::string>>(column);
  if (!text) return std::nullopt;
  return parse_time(*text);
}

ImportedLetter::State state(const std::string& word) {
  if (word == "resolved") return ImportedLetter::State::kResolved;
  if (word == "discarded") return ImportedLetter::State::kDiscarded;
  return ImportedLetter::State::kOpen;
}

OwnedRecord record(const Row& row) {
  OwnedRecord record;
  record.topic = row.get<std::string>("topic");
  record.partition = static_cast<std::int32_t>(row.get<std::int64_t>("partition"));
  record.offset = row.get<std::int64_t>("record_offset");
  if (const auto ms = row.get<std::optional<std::int64_t>>("record_timestamp_ms"))
    record.timestamp = Timestamp(std::chrono::milliseconds(*ms));
  record.key = bytes(row, "key");
  record.value = bytes(row, "value");
  record.headers = decode_headers(row.get<std::string>("headers"));
  return record;
}

Failure failure(const Row& row) {
  return {.reason = row.get<std::string>("reason"),
          .handler = row.get<std::string>("handler"),
          .error_type = row.get<std::string>("error_type"),
          .error_code = row.get<std::string>("error_code"),
          .error_text = row.get<std::string>("error_text"),
          .attempts = static_cast<int>(row.get<std::int64_t>("attempts")),
          .first_failed_at = time(row, "first_failed_at")};
}

ConsumerLetter letter(const Row& row) {
  ConsumerLetter of;
  of.id = row.get<std::int64_t>("id");
  of.consumer = row.get<std::string>("consumer");
  auto& letter = of.letter;
  letter.record = record(row);
  letter.topic_id = row.get<std::string>("topic_id");
  letter.event_id = row.get<std::optional<std::string>>("event_id");
  letter.event_type = row.get<std::string>("event_type");
  letter.failure = failure(row);
  letter.dead_at = time(row, "dead_at");
  letter.redrive_count = row.get<std::int64_t>("redrive_count");
  letter.edited_value = bytes(row, "edited_value");
  letter.state = state(row.get<std::string>("state"));
  return of;
}

}  // namespace

std::vector<std::int64_t> stored_ids(OpenTransaction& tx, const LetterSelection& selection,
                                     std::int64_t limit) {
  const auto where = letters_where(selection);
  auto sql = replaced(kIds, "{letters}", letters_from(selection));
  sql = replaced(sql, "{where}", where.text);
  sql = replaced(sql, "{limit}", limit > 0 ? " LIMIT " + std::to_string(limit) : std::string());
  std::vector<std::int64_t> ids;
  for (const auto row : tx.query_with(tx.dialect().render(sql), where.params()))
    ids.push_back(row.get<std::int64_t>(0));
  return ids;
}

std::vector<ConsumerLetter> stored_letters(OpenTransaction& tx, std::span<const std::int64_t> ids) {
  const std::vector<SqlParam> params(ids.begin(), ids.end());
  std::map<std::int64_t, ConsumerLetter> found;
  if (!ids.empty())
    for (const auto row : tx.query_bulk(letters_statement(tx.dialect()), params, 1)) {
      auto read = letter(row);
      found.emplace(read.id, std::move(read));
    }
  std::vector<ConsumerLetter> letters;
  for (const auto id : ids)
    if (const auto at = found.find(id); at != found.end()) letters.push_back(std::move(at->second));
  return letters;
}

}  // namespace kinbox::cli

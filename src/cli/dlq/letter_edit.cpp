#include "cli/dlq/letter_edit.hpp"

#include <array>

#include "cli/dlq/letter_desk.hpp"
#include "core/event_body.hpp"
#include "core/hex_text.hpp"
#include "core/letter_history.hpp"
#include "core/own_statements.hpp"
#include "kinbox/fingerprint.hpp"

namespace kinbox::cli {
namespace {

constexpr std::string_view kRead =
    "SELECT value, edited, edited_value, consumer, event_id FROM {kinbox}.dead_letters "
    "WHERE id = $1";

// Two people may have the same letter open.
constexpr std::string_view kStore =
    "UPDATE {kinbox}.letters SET edited = $2, edited_value = $3 "
    "WHERE id = $1 AND purged_at IS NULL AND edited = $4 AND COALESCE(edited_value, $5) = $5";
constexpr std::string_view kTouch =
    "UPDATE {kinbox}.letter_states SET changed_at = {now} WHERE id = $1 AND state = 'open'";

std::optional<std::string> text(const std::optional<ByteVector>& bytes) {
  if (!bytes) return std::nullopt;
  return std::string(as_text(*bytes));
}

std::string fingerprint(const LetterValue& of, const std::optional<std::string>& value) {
  const auto bytes = value ? std::optional(as_bytes(*value)) : std::nullopt;
  const auto print = Fingerprint::of(
      bytes && of.has_event_id ? std::optional(without_schema_prefix(*bytes)) : bytes);
  return hex_text(print.bytes());
}

}  // namespace

LetterValue read_value(Database& database, std::int64_t id) {
  LetterValue value;
  own_transaction(database, "dead letter", [&](OpenTransaction& tx) {
    const auto row = tx.query(tx.dialect().render(kRead), id)[0];
    value.original = text(row.get<std::optional<ByteVector>>("value"));
    if (row.get<bool>("edited"))
      value.edited = text(row.get<std::optional<ByteVector>>("edited_value"));
    value.has_event_id = row.get<std::optional<std::string>>("event_id").has_value();
    value.consumer = row.get<std::string>("consumer");
  });
  return value;
}

void store_edited(Database& database, std::int64_t id, const LetterValue& read,
                  const std::string& value, Audit::Action action) {
  action.consumer = read.consumer;
  const bool differs = value != read.original;
  const auto before = as_bytes(read.edited ? std::string_view(*read.edited) : std::string_view());
  const auto after = differs ? SqlParam(as_bytes(value)) : SqlParam(nullptr);
  own_statements("edit", [&] {
    const auto tx = database.begin();
    const auto execute = [&](std::string_view sql, const auto&... params) {
      return tx->execute(tx->dialect().render(sql), id, params...).affected_rows() > 0;
    };
    if (!execute(kStore, differs, after, read.edited.has_value(), before) || !execute(kTouch))
      throw LettersMoved("letter " + std::to_string(id) +
                         " was changed by somebody else since you opened it, or is not open any "
                         "more; nothing was stored");
    const Audit audit(tx->dialect());
    const auto audit_id = audit.begin(*tx, action);
    LetterHistory(tx->dialect())
        .add(*tx, std::array{id}, "edited",
             "fingerprint " + fingerprint(read, read.current()) + " -> " + fingerprint(read, value),
             audit_id);
    audit.note(*tx, audit_id, 1, "done");
    tx->commit();
  });
}

}  // namespace kinbox::cli

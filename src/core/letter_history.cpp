#include "core/letter_history.hpp"

#include <vector>

#include "core/storable_text.hpp"

namespace kinbox {
namespace {

constexpr std::size_t kMaxDetail = 8192;
constexpr std::size_t kColumns = 4;

constexpr std::string_view kInsertEach =
    "INSERT INTO {kinbox}.dead_letter_history (dead_letter_id, what, detail, audit_id) "
    "VALUES ($1, $2, $3, $4)";
constexpr std::string_view kInsertAll =
    "INSERT INTO {kinbox}.dead_letter_history (dead_letter_id, what, detail, audit_id) "
    "SELECT letter, COALESCE(what, $5), COALESCE(detail, $6), audit "
    "FROM unnest($1::bigint[], $2::text[], $3::text[], $4::bigint[]) "
    "AS happened (letter, what, detail, audit)";

}  // namespace

LetterHistory::LetterHistory(const Dialect& dialect)
    : insert_{dialect.render(kInsertEach), dialect.render(kInsertAll), {1, 2}} {}

void LetterHistory::add(OpenTransaction& tx, std::span<const std::int64_t> letters,
                        std::string_view what, std::string_view detail,
                        std::optional<std::int64_t> audit_id) const {
  if (letters.empty()) return;
  const auto text = storable_text(detail, kMaxDetail);
  std::vector<SqlParam> rows;
  rows.reserve(letters.size() * kColumns);
  for (const auto letter : letters) rows.insert(rows.end(), {letter, what, text, audit_id});
  tx.query_bulk(insert_, rows, kColumns);
}

}  // namespace kinbox

#include "core/audit.hpp"

#include "core/storable_text.hpp"

namespace kinbox {
namespace {

constexpr std::size_t kMaxText = 8192;

constexpr std::string_view kBegin =
    "INSERT INTO {kinbox}.audit (who, action, consumer, filter, reason) "
    "VALUES ($1, $2, $3, $4, $5) RETURNING id";

constexpr std::string_view kNote =
    "UPDATE {kinbox}.audit SET affected = $2, outcome = $3 WHERE id = $1";

}  // namespace

Audit::Audit(const Dialect& dialect)
    : begin_(dialect.render(kBegin)), note_(dialect.render(kNote)) {}

std::int64_t Audit::begin(OpenTransaction& tx, const Action& action) const {
  const auto rows =
      tx.query(begin_, storable_text(action.who, kMaxText), storable_text(action.action, kMaxText),
               storable_text(action.consumer, kMaxText), storable_text(action.filter, kMaxText),
               storable_text(action.reason, kMaxText));
  return rows[0].get<std::int64_t>("id");
}

void Audit::note(OpenTransaction& tx, std::int64_t id, std::int64_t affected,
                 std::string_view outcome) const {
  tx.execute(note_, id, affected, storable_text(outcome, kMaxText));
}

}  // namespace kinbox

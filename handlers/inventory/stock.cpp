#include "handlers/inventory/stock.hpp"

#include <utility>
#include <vector>

namespace kinbox::handlers {
namespace {

// Looks and takes at once: between a SELECT and an UPDATE another worker could take it.
constexpr std::string_view kReserve = R"(
  UPDATE {kinbox}.inventory_stock
  SET available = available - $2, reserved = reserved + $2, updated_at = {now}
  WHERE product_id = $1 AND available >= $2)";

constexpr std::string_view kRelease = R"(
  UPDATE {kinbox}.inventory_stock
  SET available = available + $2, reserved = reserved - $2, updated_at = {now}
  WHERE product_id = $1)";

constexpr std::string_view kReceive = R"(
  INSERT INTO {kinbox}.inventory_stock AS s (product_id, available) VALUES ($1, $2)
  ON CONFLICT (product_id) DO UPDATE
  SET available = s.available + excluded.available, updated_at = {now})";

}  // namespace

Stock::Stock(const Dialect& dialect)
    : reserve_(dialect.render(kReserve)),
      release_(dialect.render(kRelease)),
      receive_(dialect.render(kReceive)) {}

Quantities Stock::reserve(Transaction& tx, const Quantities& wanted) const {
  // All are on their way before the first answer is waited for.
  std::vector<std::pair<Quantities::const_iterator, Executed>> updates;
  for (auto line = wanted.begin(); line != wanted.end(); ++line)
    updates.emplace_back(line, tx.execute(reserve_, line->first, line->second));
  Quantities taken;
  Quantities missing;
  for (const auto& [line, update] : updates)
    (update.affected_rows() == 1 ? taken : missing).insert(*line);
  if (!missing.empty()) release(tx, taken);
  return missing;
}

void Stock::release(Transaction& tx, const Quantities& reserved) const {
  for (const auto& [product, quantity] : reserved) tx.execute(release_, product, quantity);
}

void Stock::receive(Transaction& tx, const std::string& product, std::int64_t quantity) const {
  tx.execute(receive_, product, quantity);
}

}  // namespace kinbox::handlers

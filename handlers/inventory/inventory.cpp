#include "handlers/inventory/inventory.hpp"

#include <nlohmann/json.hpp>

#include "handlers/inventory/stock.hpp"
#include "handlers/orders/amounts.hpp"
#include "handlers/orders/lines.hpp"
#include "handlers/orders/topic_setting.hpp"
#include "kinbox/errors.hpp"
#include "kinbox/json.hpp"

namespace kinbox::handlers {
namespace embedded {
std::vector<Migration> inventory_migrations();
}

namespace {

using nlohmann::ordered_json;

// Nothing where the row stands already: another event about the same order reserves nothing.
constexpr std::string_view kInsertOrder = R"(
  INSERT INTO {kinbox}.inventory_orders (order_id, state, event_id) VALUES ($1, 'reserved', $2)
  ON CONFLICT (order_id) DO NOTHING)";

constexpr std::string_view kReject = R"(
  UPDATE {kinbox}.inventory_orders SET state = 'rejected', updated_at = {now}
  WHERE order_id = $1)";

constexpr std::string_view kInsertReservation = R"(
  INSERT INTO {kinbox}.inventory_reservations (order_id, product_id, quantity)
  VALUES ($1, $2, $3))";

constexpr std::string_view kFindOrder =
    "SELECT state FROM {kinbox}.inventory_orders WHERE order_id = $1";

constexpr std::string_view kReleaseOrder = R"(
  UPDATE {kinbox}.inventory_orders SET state = 'released', updated_at = {now}
  WHERE order_id = $1 AND state = 'reserved')";

constexpr std::string_view kDeleteReservations = R"(
  DELETE FROM {kinbox}.inventory_reservations WHERE order_id = $1
  RETURNING product_id, quantity)";

/// What the order wants of each product, all its lines together.
Quantities quantities(const JsonPayload& order) {
  Quantities wanted;
  for (const auto& line : order_lines(order)) {
    auto& quantity = wanted[line.text("/productId")];
    quantity = checked_sum(quantity, positive_quantity(line));
  }
  return wanted;
}

ordered_json as_json(const Quantities& quantities) {
  auto lines = ordered_json::array();
  for (const auto& [product, quantity] : quantities)
    lines.push_back({{"productId", product}, {"quantity", quantity}});
  return lines;
}

class Inventory final : public Handler {
 public:
  explicit Inventory(const HandlerContext& context)
      : stock_(context.dialect),
        outbox_(context.dialect, context.outbox),
        topic_(topic_setting(context, "marketplace.inventory")),
        insert_order_(context.dialect.render(kInsertOrder)),
        reject_(context.dialect.render(kReject)),
        insert_reservation_(context.dialect.render(kInsertReservation)),
        find_order_(context.dialect.render(kFindOrder)),
        release_order_(context.dialect.render(kReleaseOrder)),
        delete_reservations_(context.dialect.render(kDeleteReservations)) {}

  void handle(const Event& event, Transaction& tx) override {
    const JsonPayload payload(event);
    if (event.type() == "ORDER_CREATED")
      reserve(payload, event.id(), tx);
    else if (event.type() == "ORDER_CANCELLED")
      release(payload.text("/orderId"), tx);
    else
      stock_.receive(tx, payload.text("/productId"), positive_quantity(payload));
  }

 private:
  void reserve(const JsonPayload& order, const std::string& event_id, Transaction& tx) const {
    const auto order_id = order.text("/orderId");
    const auto wanted = quantities(order);
    if (tx.execute(insert_order_, order_id, event_id).affected_rows() == 0) return;
    const auto missing = stock_.reserve(tx, wanted);
    if (!missing.empty()) {
      tx.execute(reject_, order_id);
      emit(tx, order_id, "inventory.reservation.rejected",
           {{"orderId", order_id}, {"reason", "not_enough_stock"}, {"missing", as_json(missing)}});
      return;
    }
    for (const auto& [product, quantity] : wanted)
      tx.execute(insert_reservation_, order_id, product, quantity);
    emit(tx, order_id, "inventory.reserved", {{"orderId", order_id}, {"items", as_json(wanted)}});
  }

  void release(const std::string& order_id, Transaction& tx) const {
    if (tx.query(find_order_, order_id).empty())
      throw RetryableError("the order that was cancelled has not arrived yet", {}, "order_unknown");
    // A rejected order has nothing to give back, a released one has done so.
    if (tx.execute(release_order_, order_id).affected_rows() == 0) return;
    Quantities reserved;
    for (const auto row : tx.query(delete_reservations_, order_id))
      reserved.emplace(row.get<std::string>(0), row.get<std::int64_t>(1));
    stock_.release(tx, reserved);
    emit(tx, order_id, "inventory.released", {{"orderId", order_id}, {"items", as_json(reserved)}});
  }

  void emit(Transaction& tx, const std::string& order_id, const char* type,
            const ordered_json& payload) const {
    outbox_.emit(tx, {.topic = topic_, .key = order_id, .type = type, .payload = payload.dump()});
  }

  const Stock stock_;
  const Outbox outbox_;
  const std::string topic_;
  const std::string insert_order_;
  const std::string reject_;
  const std::string insert_reservation_;
  const std::string find_order_;
  const std::string release_order_;
  const std::string delete_reservations_;
};

}  // namespace

HandlerSpec inventory() {
  return {.name = "inventory",
          .event_types = {"ORDER_CREATED", "ORDER_CANCELLED", "STOCK_RECEIVED"},
          .make = [](const auto& context) { return std::make_unique<Inventory>(context); },
          .setting_names = {kTopicSetting},
          .migrations = embedded::inventory_migrations()};
}

}  // namespace kinbox::handlers

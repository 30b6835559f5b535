#include "handlers/order_view/order_view.hpp"

#include "kinbox/json.hpp"

namespace kinbox::handlers {
namespace embedded {
std::vector<Migration> order_view_migrations();
}

namespace {

constexpr std::string_view kUpsert = R"(
  INSERT INTO {kinbox}.order_view AS v
    (order_id, order_number, buyer_id, seller_ids, total_amount)
  VALUES ($1, $2, $3, $4, $5)
  ON CONFLICT (order_id) DO UPDATE SET
    order_number = excluded.order_number, buyer_id = excluded.buyer_id,
    seller_ids = excluded.seller_ids, total_amount = excluded.total_amount,
    version = v.version + 1, updated_at = {now})";

/// The array as JSON, once it is known to be one of ids.
std::string seller_ids(const JsonPayload& order) {
  order.texts("/sellerIds");
  return order.json("/sellerIds");
}

class OrderView final : public Handler {
 public:
  explicit OrderView(const HandlerContext& context) : upsert_(context.dialect.render(kUpsert)) {}

  void handle(const Event& event, Transaction& tx) override {
    const JsonPayload order(event);
    tx.execute(upsert_, order.text("/orderId"), order.text("/orderNumber"), order.text("/buyerId"),
               seller_ids(order), order.decimal("/totalAmount"));
  }

 private:
  const std::string upsert_;
};

}  // namespace

HandlerSpec order_view() {
  return {.name = "order_view",
          .event_types = {"ORDER_CREATED"},
          .make = [](const auto& context) { return std::make_unique<OrderView>(context); },
          .traits = {.reprocessable = true},
          .migrations = embedded::order_view_migrations()};
}

}  // namespace kinbox::handlers

#include "handlers/analytics/analytics.hpp"

#include <map>
#include <set>

#include "handlers/analytics/utc_day.hpp"
#include "handlers/orders/amounts.hpp"
#include "handlers/orders/lines.hpp"
#include "kinbox/json.hpp"

namespace kinbox::handlers {
namespace embedded {
std::vector<Migration> analytics_migrations();
}

namespace {

constexpr std::string_view kCountSale = R"(
  INSERT INTO {kinbox}.analytics_seller_days AS d (seller_id, day, orders, units, revenue_cents)
  VALUES ($1, $2, 1, $3, $4)
  ON CONFLICT (seller_id, day) DO UPDATE SET
    orders = d.orders + 1, units = d.units + excluded.units,
    revenue_cents = d.revenue_cents + excluded.revenue_cents)";

constexpr std::string_view kCountCancellation = R"(
  INSERT INTO {kinbox}.analytics_seller_days AS d (seller_id, day, cancelled_orders)
  VALUES ($1, $2, 1)
  ON CONFLICT (seller_id, day) DO UPDATE SET cancelled_orders = d.cancelled_orders + 1)";

struct Sale {
  std::int64_t units = 0;
  std::int64_t cents = 0;
};

/// What each seller has sold with the order. In the order of their ids, in which every transaction
/// locks one order's rows.
std::map<std::string, Sale> sales(const JsonPayload& order) {
  std::map<std::string, Sale> sales;
  for (const auto& line : order_lines(order)) {
    const auto units = positive_quantity(line);
    auto& sale = sales[line.text("/sellerId")];
    sale.units = checked_sum(sale.units, units);
    sale.cents = checked_sum(sale.cents, checked_product(units, cents(line, "/unitPrice")));
  }
  return sales;
}

class Analytics final : public Handler {
 public:
  explicit Analytics(const HandlerContext& context)
      : count_sale_(context.dialect.render(kCountSale)),
        count_cancellation_(context.dialect.render(kCountCancellation)) {}

  void handle(const Event& event, Transaction& tx) override {
    const JsonPayload order(event);
    const auto day = utc_day(event.record());
    if (event.type() == "ORDER_CREATED")
      count_sales(order, day, tx);
    else
      count_cancellations(order, day, tx);
  }

 private:
  void count_sales(const JsonPayload& order, const std::string& day, Transaction& tx) const {
    for (const auto& [seller, sale] : sales(order))
      tx.execute(count_sale_, seller, day, sale.units, sale.cents);
  }

  void count_cancellations(const JsonPayload& order, const std::string& day,
                           Transaction& tx) const {
    const auto sellers = order.texts("/sellerIds");
    for (const auto& seller : std::set(sellers.begin(), sellers.end()))
      tx.execute(count_cancellation_, seller, day);
  }

  const std::string count_sale_;
  const std::string count_cancellation_;
};

}  // namespace

HandlerSpec analytics() {
  return {.name = "analytics",
          .event_types = {"ORDER_CREATED", "ORDER_CANCELLED"},
          .make = [](const auto& context) { return std::make_unique<Analytics>(context); },
          .traits = {.order_independent = true},
          .migrations = embedded::analytics_migrations()};
}

}  // namespace kinbox::handlers

#include "handlers/notification/notification.hpp"

#include <array>
#include <utility>

#include "kinbox/json.hpp"

namespace kinbox::handlers {
namespace embedded {
std::vector<Migration> notification_migrations();
}

namespace {

constexpr std::array<std::pair<std::string_view, std::string_view>, 5> kKinds{
    {{"ORDER_CREATED", "created"},
     {"ORDER_PAID", "paid"},
     {"ORDER_SHIPPED", "shipped"},
     {"ORDER_DELIVERED", "delivered"},
     {"ORDER_CANCELLED", "cancelled"}}};

// Nothing where the row stands already: another event that says the same tells nobody twice, and a
// seller who is named twice is told once.
constexpr std::string_view kInsert = R"(
  INSERT INTO {kinbox}.notifications (recipient, role, order_id, kind, order_number, event_id)
  VALUES ($1, $2, $3, $4, $5, $6)
  ON CONFLICT (recipient, role, order_id, kind) DO NOTHING)";

std::vector<std::string> event_types() {
  std::vector<std::string> types;
  types.reserve(kKinds.size());
  for (const auto& [type, kind] : kKinds) types.emplace_back(type);
  return types;
}

/// `type` is one of event_types().
std::string_view kind_of(std::string_view type) {
  std::string_view found;
  for (const auto& [known, kind] : kKinds)
    if (known == type) found = kind;
  return found;
}

class Notification final : public Handler {
 public:
  explicit Notification(const HandlerContext& context) : insert_(context.dialect.render(kInsert)) {}

  void handle(const Event& event, Transaction& tx) override {
    const JsonPayload order(event);
    const auto order_id = order.text("/orderId");
    const auto order_number = order.text("/orderNumber");
    const auto tell = [&](const std::string& recipient, std::string_view role) {
      tx.execute(insert_, recipient, role, order_id, kind_of(event.type()), order_number,
                 event.id());
    };
    tell(order.text("/buyerId"), "buyer");
    for (const auto& seller : order.texts("/sellerIds")) tell(seller, "seller");
  }

 private:
  const std::string insert_;
};

}  // namespace

HandlerSpec notification() {
  return {.name = "notification",
          .event_types = event_types(),
          .make = [](const auto& context) { return std::make_unique<Notification>(context); },
          .traits = {.reprocessable = true, .order_independent = true},
          .migrations = embedded::notification_migrations()};
}

}  // namespace kinbox::handlers

#include "kinbox_handlers.hpp"

#include "kinbox/json.hpp"
#include "orders.hpp"
#include "store.hpp"

namespace kinbox::bench {
namespace {

class StoreOrder final : public Handler {
 public:
  explicit StoreOrder(const HandlerContext& context)
      : insert_(context.dialect.render(kInsertOrder)) {}

  void handle(const Event& event, Transaction& tx) override {
    const JsonPayload order(event);
    tx.execute(insert_, event.id(), order.text("/orderId"), order.text("/buyerId"),
               order.decimal("/totalAmount"));
  }

 private:
  const std::string insert_;
};

class AddToAccount final : public Handler {
 public:
  explicit AddToAccount(const HandlerContext& context)
      : update_(context.dialect.render(kAddToAccount)) {}

  void handle(const Event& event, Transaction& tx) override {
    const JsonPayload order(event);
    tx.execute(update_, order.decimal("/totalAmount"), account_of(order.text("/buyerId")));
  }

 private:
  const std::string update_;
};

template <typename T>
HandlerSpec handler(std::string name) {
  return {.name = std::move(name),
          .event_types = {"ORDER_CREATED"},
          .make = [](const auto& context) { return std::make_unique<T>(context); }};
}

}  // namespace

HandlerSpec store_order() { return handler<StoreOrder>("store_order"); }

HandlerSpec add_to_account() { return handler<AddToAccount>("add_to_account"); }

}  // namespace kinbox::bench

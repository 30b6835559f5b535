#include <kinbox/cli/main.hpp>
#include <kinbox/json.hpp>

using namespace kinbox;

class Orders : public Handler {
  void handle(const Event& event, Transaction& tx) override {
    const JsonPayload order(event);
    tx.execute("INSERT INTO orders (id, buyer, total) VALUES ($1, $2, $3)", order.text("/orderId"),
               order.text("/buyerId"), order.decimal("/totalAmount"));
  }
};

const Migration kOrdersTable{
    .file = "0001_orders.sql",
    .sql = "CREATE TABLE orders (id TEXT PRIMARY KEY, buyer TEXT NOT NULL, total TEXT NOT NULL)"};

int main(int argc, char** argv) {
  return cli::main(argc, argv,
                   {{.name = "orders",
                     .event_types = {"ORDER_CREATED"},
                     .make = [](const HandlerContext&) { return std::make_unique<Orders>(); },
                     .migrations = {kOrdersTable}}});
}

// A service that only produces. An order's row and the event about it are one commit: there is no
// order without its event, and no event without its order. A relay carries the events to Kafka.
//
//   shop BROKERS FILE      reads orders from standard input: an id and its JSON, one order a line
#include <cstdio>
#include <iostream>
#include <kinbox/kafka/publisher.hpp>
#include <kinbox/migrations.hpp>
#include <kinbox/outbox.hpp>
#include <kinbox/outbox_relay.hpp>
#include <kinbox/sqlite/database.hpp>
#include <thread>

using namespace kinbox;

const Migration kOrdersTable{
    .file = "0001_orders.sql",
    .sql = "CREATE TABLE orders (id TEXT PRIMARY KEY, body TEXT NOT NULL)"};

class Shop {
 public:
  explicit Shop(Database& database)
      : database_(database), outbox_(database.dialect(), {.source = "/shop/orders"}) {}

  void place(const std::string& id, const std::string& body) {
    const auto tx = database_.begin();
    tx->execute("INSERT INTO orders (id, body) VALUES ($1, $2)", id, body);
    outbox_.emit(*tx, {.topic = "shop.order.placed",
                       .key = id,
                       .id = "placed-" + id,
                       .type = "order.placed",
                       .payload = body});
    tx->commit();
  }

 private:
  Database& database_;
  Outbox outbox_;
};

/// What goes wrong with the relay: its rows wait, the shop goes on.
class ToStderr : public Observer {
  void on_notice(const Notice& notice) override {
    if (const auto* blocked = std::get_if<notice::RelayBlocked>(&notice))
      std::fprintf(stderr, "%s\n", blocked->why.c_str());
    if (const auto* refused = std::get_if<notice::RelayRefused>(&notice))
      std::fprintf(stderr, "%s\n", refused->why.c_str());
  }
};

int main(int argc, char** argv) try {
  if (argc != 3) {
    std::fputs("usage: shop BROKERS FILE\n", stderr);
    return 64;
  }
  const auto open = sqlite::factory({.path = argv[2]});
  const auto database = open();
  SchemaMigrator(*database, {kinbox_component(), {"shop", {kOrdersTable}}}).up();

  ToStderr observer;
  const kafka::Settings settings({{"bootstrap.servers", argv[1]}});
  OutboxRelay relay(open(), kafka::make_publisher({.settings = settings}, observer), {}, observer);
  {
    // A thread and a connection of its own; any number of processes may have one.
    const std::jthread carrying([&](std::stop_token stop) { relay.run(std::move(stop)); });
    Shop shop(*database);
    for (std::string id, body; std::cin >> id && std::getline(std::cin >> std::ws, body);) {
      shop.place(id, body);
      relay.wake();
    }
  }
  while (relay.run_once() > 0) continue;
  relay.release();
  return 0;
} catch (const Error& e) {
  std::fprintf(stderr, "shop: %s\n", e.what());
  return 1;
}

#include "contenders.hpp"
#include "orders.hpp"
#include "reader.hpp"
#include "sqlite_session.hpp"

namespace kinbox::bench {
namespace {

constexpr const char* kExists =
    "SELECT 1 FROM processed_events WHERE consumer = 'bench' AND event_id = ?";
constexpr const char* kInsertOrder =
    "INSERT INTO orders (event_id, order_id, buyer_id, amount) VALUES (?, ?, ?, ?)";
constexpr const char* kInsertProcessed =
    "INSERT INTO processed_events (consumer, event_id, topic, partition, record_offset, "
    "event_type, verdict, fingerprint) "
    "VALUES ('bench', ?, ?, ?, ?, 'ORDER_CREATED', 'applied', X'')";

class Loop {
 public:
  explicit Loop(const Task& task)
      : topic_(task.topic),
        session_(task.location),
        exists_(session_, kExists),
        order_(session_, kInsertOrder),
        processed_(session_, kInsertProcessed) {}

  void handle(const rd_kafka_message_t& message) {
    const auto order = parse_order(value_of(message));
    session_.run("BEGIN IMMEDIATE");
    if (!exists_.run(order.event_id)) {
      order_.run(order.event_id, order.order_id, order.buyer_id, order.amount);
      processed_.run(order.event_id, topic_, std::int64_t{message.partition},
                     std::int64_t{message.offset});
    }
    session_.run("COMMIT");
  }

 private:
  std::string topic_;
  SqliteSession session_;
  SqliteStatement exists_;
  SqliteStatement order_;
  SqliteStatement processed_;
};

}  // namespace

void per_message_on_sqlite(const Task& task, RunClock& clock) {
  Loop loop(task);
  Reader reader(task, [](auto) { return RD_KAFKA_OFFSET_STORED; });
  while (!clock.over()) {
    const auto messages = reader.poll();
    if (messages.empty()) continue;
    clock.received();
    for (const auto& message : messages) loop.handle(*message);
    reader.tell();
    clock.committed(static_cast<std::int64_t>(messages.size()));
  }
}

}  // namespace kinbox::bench

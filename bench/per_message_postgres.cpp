#include "contenders.hpp"
#include "libpq_session.hpp"
#include "orders.hpp"
#include "reader.hpp"

namespace kinbox::bench {
namespace {

constexpr const char* kExists =
    "SELECT 1 FROM processed_events WHERE consumer = 'bench' AND event_id = $1";
constexpr const char* kInsertOrder =
    "INSERT INTO orders (event_id, order_id, buyer_id, amount) VALUES ($1, $2, $3, $4)";
constexpr const char* kInsertProcessed =
    "INSERT INTO processed_events (consumer, event_id, topic, partition, record_offset, "
    "event_type, verdict, fingerprint) "
    "VALUES ('bench', $1, $2, $3, $4, 'ORDER_CREATED', 'applied', '')";

void handle(LibpqSession& session, const std::string& topic, const rd_kafka_message_t& message) {
  const auto order = parse_order(value_of(message));
  session.run("BEGIN");
  const auto known = session.run_prepared("exists", {order.event_id});
  if (PQntuples(known.get()) == 0) {
    session.run_prepared("order", {order.event_id, order.order_id, order.buyer_id, order.amount});
    session.run_prepared("processed", {order.event_id, topic, std::to_string(message.partition),
                                       std::to_string(message.offset)});
  }
  session.run("COMMIT");
}

}  // namespace

void per_message_on_postgres(const Task& task, RunClock& clock) {
  LibpqSession session(task);
  session.prepare("exists", kExists);
  session.prepare("order", kInsertOrder);
  session.prepare("processed", kInsertProcessed);
  Reader reader(task, [](auto) { return RD_KAFKA_OFFSET_STORED; });
  while (!clock.over()) {
    const auto messages = reader.poll();
    if (messages.empty()) continue;
    clock.received();
    for (const auto& message : messages) handle(session, task.topic, *message);
    reader.tell();
    clock.committed(static_cast<std::int64_t>(messages.size()));
  }
}

}  // namespace kinbox::bench

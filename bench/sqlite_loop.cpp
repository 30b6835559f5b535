#include "sqlite_loop.hpp"

#include <stdexcept>

namespace kinbox::bench {
namespace {

constexpr const char* kTake =
    "INSERT INTO consumer_progress AS p (consumer, topic, partition, first_offset, next_offset) "
    "VALUES ('bench', ?, ?, 0, 0) ON CONFLICT (consumer, topic, partition) "
    "DO UPDATE SET epoch = p.epoch + 1 RETURNING next_offset";
constexpr const char* kMove =
    "UPDATE consumer_progress SET applied = applied + (?1 - next_offset), next_offset = ?1, "
    "updated_at = strftime('%Y-%m-%dT%H:%M:%fZ', 'now') "
    "WHERE consumer = 'bench' AND topic = ?2 AND partition = ?3 AND next_offset = ?4";
constexpr const char* kClaim =
    "INSERT INTO processed_events (consumer, event_id, topic, partition, record_offset, "
    "event_type, verdict, fingerprint) VALUES ('bench', ?, ?, ?, ?, 'ORDER_CREATED', 'applied', ?) "
    "ON CONFLICT (consumer, event_id) DO NOTHING";
constexpr const char* kKnown =
    "SELECT fingerprint = ?2 FROM processed_events WHERE consumer = 'bench' AND event_id = ?1";
constexpr const char* kInsert =
    "INSERT INTO orders (event_id, order_id, buyer_id, amount) VALUES (?, ?, ?, ?)";

}  // namespace

SqliteLoop::SqliteLoop(const Task& task)
    : topic_(task.topic),
      session_(task.location),
      take_(session_, kTake),
      move_(session_, kMove),
      claim_(session_, kClaim),
      known_(session_, kKnown),
      insert_(session_, kInsert),
      reader_(task, [this](auto partition) { return take(partition); }) {}

void SqliteLoop::run(RunClock& clock) {
  while (!clock.over()) turn(clock);
}

void SqliteLoop::turn(RunClock& clock) {
  const auto messages = reader_.poll();
  if (messages.empty()) return;
  clock.received();
  store(DecodedBatch(messages));
  reader_.tell();
  clock.committed(static_cast<std::int64_t>(messages.size()));
}

std::int64_t SqliteLoop::take(std::int32_t partition) {
  take_.run(topic_, std::int64_t{partition});
  return positions_[partition] = take_.number();
}

void SqliteLoop::move(std::int32_t partition, std::int64_t next) {
  auto& position = positions_.at(partition);
  move_.run(next, topic_, std::int64_t{partition}, position);
  if (session_.affected() != 1) throw std::runtime_error("the partition has another owner");
  // A transaction that fails ends the loop.
  position = next;
}

bool SqliteLoop::claim(const DecodedBatch::Item& item) {
  claim_.run(item.order.event_id, topic_, std::int64_t{item.message->partition},
             std::int64_t{item.message->offset}, item.fingerprint.bytes());
  return session_.affected() == 1;
}

void SqliteLoop::check_known(const DecodedBatch::Item& item) {
  if (!known_.run(item.order.event_id, item.fingerprint.bytes()) || known_.number() != 1)
    refuse_conflict(item);
}

void SqliteLoop::insert(const Order& order) {
  insert_.run(order.event_id, order.order_id, order.buyer_id, order.amount);
}

}  // namespace kinbox::bench

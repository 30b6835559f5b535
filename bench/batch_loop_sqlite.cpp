#include <stdexcept>
#include <unordered_set>

#include "contenders.hpp"
#include "decoded_batch.hpp"
#include "sqlite_session.hpp"

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
constexpr const char* kInsert =
    "INSERT INTO orders (event_id, order_id, buyer_id, amount) VALUES (?, ?, ?, ?)";

class Loop {
 public:
  explicit Loop(const Task& task)
      : topic_(task.topic),
        session_(task.location),
        take_(session_, kTake),
        move_(session_, kMove),
        claim_(session_, kClaim),
        insert_(session_, kInsert),
        reader_(task, [this](auto partition) { return take(partition); }) {}

  void turn(RunClock& clock) {
    const auto messages = reader_.poll();
    if (messages.empty()) return;
    clock.received();
    const DecodedBatch batch(messages);
    session_.run("BEGIN IMMEDIATE");
    move(batch);
    apply(batch, claim(batch));
    session_.run("COMMIT");
    for (const auto& [partition, next] : batch.next) positions_[partition] = next;
    reader_.tell();
    clock.committed(static_cast<std::int64_t>(messages.size()));
  }

 private:
  std::int64_t take(std::int32_t partition) {
    take_.run(topic_, std::int64_t{partition});
    return positions_[partition] = take_.number();
  }

  void move(const DecodedBatch& batch) {
    for (const auto& [partition, next] : batch.next) {
      move_.run(next, topic_, std::int64_t{partition}, positions_.at(partition));
      if (session_.affected() != 1) throw std::runtime_error("the partition has another owner");
    }
  }

  /// The ids that are new.
  std::unordered_set<std::string_view> claim(const DecodedBatch& batch) {
    std::unordered_set<std::string_view> fresh;
    for (const auto* item : batch.claims) {
      claim_.run(item->order.event_id, topic_, std::int64_t{item->message->partition},
                 std::int64_t{item->message->offset}, item->fingerprint.bytes());
      if (session_.affected() == 1) fresh.insert(item->order.event_id);
    }
    return fresh;
  }

  void apply(const DecodedBatch& batch, std::unordered_set<std::string_view> fresh) {
    for (const auto& [message, order, fingerprint] : batch.items)
      if (fresh.erase(order.event_id) == 1)
        insert_.run(order.event_id, order.order_id, order.buyer_id, order.amount);
  }

  std::string topic_;
  SqliteSession session_;
  SqliteStatement take_;
  SqliteStatement move_;
  SqliteStatement claim_;
  SqliteStatement insert_;
  std::map<std::int32_t, std::int64_t> positions_;
  Reader reader_;
};

}  // namespace

void batch_loop_on_sqlite(const Task& task, RunClock& clock) {
  Loop loop(task);
  while (!clock.over()) loop.turn(clock);
}

}  // namespace kinbox::bench

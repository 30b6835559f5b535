#include <stdexcept>
#include <unordered_set>

#include "contenders.hpp"
#include "decoded_batch.hpp"
#include "libpq_session.hpp"

namespace kinbox::bench {
namespace {

constexpr const char* kTake =
    "INSERT INTO consumer_progress AS p (consumer, topic, partition, first_offset, next_offset) "
    "VALUES ('bench', $1, $2, 0, 0) ON CONFLICT (consumer, topic, partition) "
    "DO UPDATE SET epoch = p.epoch + 1 RETURNING next_offset, epoch";
constexpr const char* kMove =
    "UPDATE consumer_progress SET next_offset = $3, applied = applied + ($3 - next_offset), "
    "updated_at = clock_timestamp() "
    "WHERE consumer = 'bench' AND topic = $1 AND partition = $2 AND next_offset = $4 AND epoch = "
    "$5";
constexpr const char* kClaim =
    "INSERT INTO processed_events (consumer, event_id, topic, partition, record_offset, "
    "event_type, verdict, fingerprint) "
    "SELECT 'bench', id, $1, partition, record_offset, 'ORDER_CREATED', 'applied', fingerprint "
    "FROM unnest($2::text[], $3::integer[], $4::bigint[], $5::bytea[]) "
    "AS claim (id, partition, record_offset, fingerprint) "
    "ON CONFLICT (consumer, event_id) DO NOTHING RETURNING event_id";
constexpr const char* kInsert =
    "INSERT INTO orders (event_id, order_id, buyer_id, amount) VALUES ($1, $2, $3, $4)";

/// The ids are UUIDs and the hashes hexadecimal: nothing to quote but the backslash.
void append_hash(std::string& array, Bytes hash) {
  constexpr char kDigits[] = "0123456789abcdef";
  array += "\"\\\\x";
  for (const auto byte : hash) {
    array += kDigits[std::to_integer<unsigned>(byte) >> 4];
    array += kDigits[std::to_integer<unsigned>(byte) & 15];
  }
  array += '"';
}

class Loop {
 public:
  explicit Loop(const Task& task)
      : topic_(task.topic), session_(task), reader_(task, [this](auto p) { return take(p); }) {
    session_.prepare("take", kTake);
    session_.prepare("move", kMove);
    session_.prepare("claim", kClaim);
    session_.prepare("insert", kInsert);
  }

  void turn(RunClock& clock) {
    const auto messages = reader_.poll();
    if (messages.empty()) return;
    clock.received();
    const DecodedBatch batch(messages);
    session_.run("BEGIN");
    move(batch);
    apply(batch, claim(batch));
    session_.run("COMMIT");
    for (const auto& [partition, next] : batch.next) positions_[partition].next = next;
    reader_.tell();
    clock.committed(static_cast<std::int64_t>(messages.size()));
  }

 private:
  struct Position {
    std::int64_t next = 0;
    std::string epoch;
  };

  std::int64_t take(std::int32_t partition) {
    const auto row = session_.run_prepared("take", {topic_, std::to_string(partition)});
    auto& position = positions_[partition];
    position = {std::stoll(PQgetvalue(row.get(), 0, 0)), PQgetvalue(row.get(), 0, 1)};
    return position.next;
  }

  void move(const DecodedBatch& batch) {
    for (const auto& [partition, next] : batch.next) {
      const auto& from = positions_.at(partition);
      const auto moved =
          session_.run_prepared("move", {topic_, std::to_string(partition), std::to_string(next),
                                         std::to_string(from.next), from.epoch});
      if (affected(moved) != "1") throw std::runtime_error("the partition has another owner");
    }
  }

  /// The ids that are new.
  std::unordered_set<std::string> claim(const DecodedBatch& batch) {
    std::string ids = "{", partitions = "{", offsets = "{", hashes = "{";
    for (const auto* item : batch.claims) {
      const auto* comma = ids.size() == 1 ? "" : ",";
      ids.append(comma).append(item->order.event_id);
      partitions.append(comma).append(std::to_string(item->message->partition));
      offsets.append(comma).append(std::to_string(item->message->offset));
      append_hash(hashes.append(comma), item->fingerprint.bytes());
    }
    const auto rows = session_.run_prepared(
        "claim", {topic_, ids + "}", partitions + "}", offsets + "}", hashes + "}"});
    std::unordered_set<std::string> fresh;
    for (int row = 0; row < PQntuples(rows.get()); ++row)
      fresh.insert(PQgetvalue(rows.get(), row, 0));
    return fresh;
  }

  void apply(const DecodedBatch& batch, std::unordered_set<std::string> fresh) {
    for (const auto& [message, order, fingerprint] : batch.items)
      if (fresh.erase(order.event_id) == 1)
        session_.run_prepared("insert",
                              {order.event_id, order.order_id, order.buyer_id, order.amount});
  }

  std::string topic_;
  LibpqSession session_;
  std::map<std::int32_t, Position> positions_;
  Reader reader_;
};

}  // namespace

void batch_loop_on_postgres(const Task& task, RunClock& clock) {
  Loop loop(task);
  while (!clock.over()) loop.turn(clock);
}

}  // namespace kinbox::bench

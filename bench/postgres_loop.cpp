#include "postgres_loop.hpp"

#include <stdexcept>
#include <string_view>
#include <unordered_set>
#include <utility>

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
constexpr const char* kKnown =
    "SELECT event_id, fingerprint FROM processed_events "
    "WHERE consumer = 'bench' AND event_id = ANY ($1::text[])";
constexpr const char* kInsert =
    "INSERT INTO orders (event_id, order_id, buyer_id, amount) VALUES ($1, $2, $3, $4)";

}  // namespace

std::string bytea_text(Bytes bytes) {
  constexpr char kDigits[] = "0123456789abcdef";
  std::string text = "\\x";
  for (const auto byte : bytes) {
    text += kDigits[std::to_integer<unsigned>(byte) >> 4];
    text += kDigits[std::to_integer<unsigned>(byte) & 15];
  }
  return text;
}

std::string& ArrayText::separated() {
  if (text_.size() > 1) text_ += ',';
  return text_;
}

void ArrayText::add_hash(Bytes hash) {
  // The backslash is the only character here that must be quoted.
  separated().append("\"\\").append(bytea_text(hash)).append("\"");
}

PostgresLoop::PostgresLoop(const Task& task)
    : topic_(task.topic), session_(task), reader_(task, [this](auto p) { return take(p); }) {
  session_.prepare("begin", "BEGIN");
  session_.prepare("commit", "COMMIT");
  session_.prepare("take", kTake);
  session_.prepare("move", kMove);
  session_.prepare("claim", kClaim);
  session_.prepare("known", kKnown);
  session_.prepare("insert", kInsert);
}

void PostgresLoop::run(RunClock& clock) {
  while (!clock.over()) turn(clock);
}

void PostgresLoop::turn(RunClock& clock) {
  const auto messages = reader_.poll();
  if (messages.empty()) return;
  clock.received();
  const DecodedBatch batch(messages);
  store(batch);
  reader_.tell();
  clock.committed(static_cast<std::int64_t>(messages.size()));
}

std::int64_t PostgresLoop::take(std::int32_t partition) {
  const auto row = session_.run_prepared("take", {topic_, std::to_string(partition)});
  auto& position = positions_[partition];
  position = {std::stoll(PQgetvalue(row.get(), 0, 0)), PQgetvalue(row.get(), 0, 1)};
  return position.next;
}

PostgresLoop::Move PostgresLoop::take_move(std::int32_t partition, std::int64_t next) {
  auto& position = positions_.at(partition);
  const auto from = std::exchange(position.next, next);
  return {topic_, std::to_string(partition), std::to_string(next), std::to_string(from),
          position.epoch};
}

void PostgresLoop::move(std::int32_t partition, std::int64_t next) {
  const auto move = take_move(partition, next);
  require_moved(session_.run_prepared(
      "move", {move.topic, move.partition, move.next, move.from, move.epoch}));
}

void PostgresLoop::insert(const Order& order) {
  session_.run_prepared("insert", {order.event_id, order.order_id, order.buyer_id, order.amount});
}

void PostgresLoop::require_moved(const LibpqSession::Result& result) {
  if (affected(result) != "1") throw std::runtime_error("the partition has another owner");
}

PostgresLoop::Claims PostgresLoop::claims_of(const DecodedBatch& batch) {
  ArrayText ids, partitions, offsets, hashes;
  for (const auto* item : batch.claims) {
    ids.add(item->order.event_id);
    partitions.add(std::to_string(item->message->partition));
    offsets.add(std::to_string(item->message->offset));
    hashes.add_hash(item->fingerprint.bytes());
  }
  return {std::move(ids).close(), std::move(partitions).close(), std::move(offsets).close(),
          std::move(hashes).close()};
}

ClaimedBatch PostgresLoop::claimed(const DecodedBatch& batch, const LibpqSession::Result& answer) {
  std::unordered_set<std::string_view> fresh;
  const int rows = PQntuples(answer.get());
  fresh.reserve(static_cast<std::size_t>(rows));
  for (int row = 0; row < rows; ++row) fresh.insert(PQgetvalue(answer.get(), row, 0));
  ClaimedBatch claimed(batch,
                       [&](const auto& item) { return fresh.contains(item.order.event_id); });
  if (!claimed.known.empty()) check_known(claimed.known);
  return claimed;
}

void PostgresLoop::check_known(const std::vector<const DecodedBatch::Item*>& known) {
  ArrayText ids;
  for (const auto* item : known) ids.add(item->order.event_id);
  const auto rows = session_.run_prepared("known", {std::move(ids).close()});
  std::map<std::string_view, std::string_view> stored;
  for (int row = 0; row < PQntuples(rows.get()); ++row)
    stored.emplace(PQgetvalue(rows.get(), row, 0), PQgetvalue(rows.get(), row, 1));
  for (const auto* item : known)
    if (stored[item->order.event_id] != bytea_text(item->fingerprint.bytes()))
      refuse_conflict(*item);
}

}  // namespace kinbox::bench

#include "contenders.hpp"
#include "postgres_loop.hpp"

namespace kinbox::bench {
namespace {

constexpr const char* kInsertAll =
    "INSERT INTO orders (event_id, order_id, buyer_id, amount) "
    "SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::numeric[])";

/// One transaction per poll, two round trips: up to the claim, whose answer says what is new, and
/// up to COMMIT.
class PipelineLoop : public PostgresLoop {
 public:
  using PostgresLoop::PostgresLoop;

 protected:
  using Items = std::vector<const DecodedBatch::Item*>;

  virtual void send_inserts(LibpqPipeline& pipeline, const Items& items) {
    for (const auto* item : items) {
      const auto& order = item->order;
      pipeline.send("insert", {order.event_id, order.order_id, order.buyer_id, order.amount});
    }
  }

 private:
  void store(const DecodedBatch& batch) override {
    const auto answer = open_and_claim(batch);
    const auto fresh = claimed(batch, answer).fresh;
    LibpqPipeline pipeline(session());
    send_inserts(pipeline, fresh);
    pipeline.send("commit", {});
    require_commit(pipeline.finish().back());
  }

  LibpqSession::Result open_and_claim(const DecodedBatch& batch) {
    LibpqPipeline pipeline(session());
    pipeline.send("begin", {});
    for (const auto& [partition, next] : batch.next) {
      const auto move = take_move(partition, next);
      pipeline.send("move", {move.topic, move.partition, move.next, move.from, move.epoch});
    }
    const auto [ids, partitions, offsets, hashes] = claims_of(batch);
    pipeline.send("claim", {topic(), ids, partitions, offsets, hashes});
    auto results = pipeline.finish();
    for (std::size_t i = 1; i + 1 < results.size(); ++i) require_moved(results[i]);
    return std::move(results.back());
  }
};

/// The same, and all orders of a poll are one statement.
class SetLoop final : public PipelineLoop {
 public:
  explicit SetLoop(const Task& task) : PipelineLoop(task) {
    session().prepare("insert_all", kInsertAll);
  }

 private:
  void send_inserts(LibpqPipeline& pipeline, const Items& items) override {
    if (items.empty()) return;
    ArrayText events, orders, buyers, amounts;
    for (const auto* item : items) {
      events.add(item->order.event_id);
      orders.add(item->order.order_id);
      buyers.add(item->order.buyer_id);
      amounts.add(item->order.amount);
    }
    pipeline.send("insert_all", {std::move(events).close(), std::move(orders).close(),
                                 std::move(buyers).close(), std::move(amounts).close()});
  }
};

}  // namespace

void pipeline_loop_on_postgres(const Task& task, RunClock& clock) { PipelineLoop(task).run(clock); }

void set_loop_on_postgres(const Task& task, RunClock& clock) { SetLoop(task).run(clock); }

}  // namespace kinbox::bench

#include "contenders.hpp"
#include "postgres_loop.hpp"

namespace kinbox::bench {
namespace {

/// One transaction per poll, a round trip per statement.
class BatchLoop final : public PostgresLoop {
 public:
  using PostgresLoop::PostgresLoop;

 private:
  void store(const DecodedBatch& batch) override {
    session().run_prepared("begin", {});
    for (const auto& [partition, next] : batch.next) move(partition, next);
    const auto [ids, partitions, offsets, hashes] = claims_of(batch);
    const auto answer =
        session().run_prepared("claim", {topic(), ids, partitions, offsets, hashes});
    for (const auto* item : claimed(batch, answer).fresh) insert(item->order);
    require_commit(session().run_prepared("commit", {}));
  }
};

}  // namespace

void batch_loop_on_postgres(const Task& task, RunClock& clock) { BatchLoop(task).run(clock); }

}  // namespace kinbox::bench

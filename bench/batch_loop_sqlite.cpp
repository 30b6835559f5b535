#include "contenders.hpp"
#include "sqlite_loop.hpp"

namespace kinbox::bench {
namespace {

/// One transaction per poll.
class BatchLoop final : public SqliteLoop {
 public:
  using SqliteLoop::SqliteLoop;

 private:
  void store(const DecodedBatch& batch) override {
    begin();
    for (const auto& [partition, next] : batch.next) move(partition, next);
    const ClaimedBatch claimed(batch, [this](const auto& item) { return claim(item); });
    for (const auto* item : claimed.known) check_known(*item);
    for (const auto* item : claimed.fresh) insert(item->order);
    commit();
  }
};

}  // namespace

void batch_loop_on_sqlite(const Task& task, RunClock& clock) { BatchLoop(task).run(clock); }

}  // namespace kinbox::bench

#include "contenders.hpp"
#include "sqlite_loop.hpp"

namespace kinbox::bench {
namespace {

/// Each record in a transaction of its own.
class PerMessage final : public SqliteLoop {
 public:
  using SqliteLoop::SqliteLoop;

 private:
  void store(const DecodedBatch& batch) override {
    for (const auto& item : batch.items) store(item);
  }

  void store(const DecodedBatch::Item& item) {
    begin();
    move(item.message->partition, item.message->offset + 1);
    if (claim(item))
      insert(item.order);
    else
      check_known(item);
    commit();
  }
};

}  // namespace

void per_message_on_sqlite(const Task& task, RunClock& clock) { PerMessage(task).run(clock); }

}  // namespace kinbox::bench

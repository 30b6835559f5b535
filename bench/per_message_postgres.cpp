#include "contenders.hpp"
#include "postgres_loop.hpp"

namespace kinbox::bench {
namespace {

constexpr const char* kClaimOne =
    "INSERT INTO processed_events (consumer, event_id, topic, partition, record_offset, "
    "event_type, verdict, fingerprint) "
    "VALUES ('bench', $1, $2, $3, $4, 'ORDER_CREATED', 'applied', $5) "
    "ON CONFLICT (consumer, event_id) DO NOTHING";

/// Each record in a transaction of its own.
class PerMessage final : public PostgresLoop {
 public:
  explicit PerMessage(const Task& task) : PostgresLoop(task) {
    session().prepare("claim_one", kClaimOne);
  }

 private:
  void store(const DecodedBatch& batch) override {
    for (const auto& item : batch.items) store(item);
  }

  void store(const DecodedBatch::Item& item) {
    session().run_prepared("begin", {});
    move(item.message->partition, item.message->offset + 1);
    if (claim(item))
      insert(item.order);
    else
      check_known({&item});
    require_commit(session().run_prepared("commit", {}));
  }

  bool claim(const DecodedBatch::Item& item) {
    const auto claimed = session().run_prepared(
        "claim_one", {item.order.event_id, topic(), std::to_string(item.message->partition),
                      std::to_string(item.message->offset), bytea_text(item.fingerprint.bytes())});
    return affected(claimed) == "1";
  }
};

}  // namespace

void per_message_on_postgres(const Task& task, RunClock& clock) { PerMessage(task).run(clock); }

}  // namespace kinbox::bench

#include <list>
#include <thread>

#include "contenders.hpp"
#include "core/parked_rows.hpp"
#include "kinbox/kafka/source.hpp"
#include "kinbox/postgres/database.hpp"
#include "kinbox/sqlite/database.hpp"
#include "kinbox/worker.hpp"
#include "kinbox_handlers.hpp"
#include "orders.hpp"
#include "topic.hpp"

namespace kinbox::bench {
namespace {

class ClockObserver final : public Observer {
 public:
  explicit ClockObserver(RunClock& clock) : clock_(clock) {}

  void on_step(Step step) override {
    if (step == Step::kFetched) clock_.received();
  }
  void on_notice(const Notice& notice) override {
    if (const auto* committed = std::get_if<notice::Committed>(&notice))
      clock_.committed(static_cast<std::int64_t>(committed->records));
  }

 private:
  RunClock& clock_;
};

ConsumerSpec consumer(const Task& task, HandlerSpec handler) {
  ConsumerSpec spec;
  spec.name = kConsumer;
  spec.group = task.group;
  spec.topics = {task.topic};
  spec.handlers.push_back({std::move(handler)});
  return spec;
}

/// Each INSERT stays a statement of its own.
DatabaseFactory one_by_one(const Task& task) {
  postgres::Options options;
  options.uri = task.location;
  options.schema = task.schema;
  options.coalesce_inserts = false;
  return postgres::factory(options);
}

DatabaseFactory database(const Task& task) {
  if (task.backend == Backend::kSqlite) return sqlite::factory({.path = task.location});
  postgres::Options options;
  options.uri = task.location;
  options.schema = task.schema;
  return postgres::factory(options);
}

std::unique_ptr<Source> source(const Task& task, Observer& observer) {
  kafka::SourceOptions options;
  options.settings = kafka::Settings(
      {{"bootstrap.servers", task.brokers}, {"heartbeat.interval.ms", kHeartbeatMilliseconds}});
  options.group = task.group;
  options.topics = {task.topic};
  return kafka::make_source(options, observer);
}

void run_workers(const Task& task, RunClock& clock, const HandlerSpec& handler,
                 const DatabaseFactory& connect, const OnError& on_error = {}) {
  ClockObserver observer(clock);
  WorkerOptions options;
  options.dispatch.on_error = on_error;
  options.budget.max_records = kBatch;
  options.budget.max_wait = std::chrono::milliseconds{kPollMilliseconds};
  options.dispatch.max_batch = kBatch;

  std::list<Worker> workers;
  std::vector<std::jthread> threads;
  for (int i = 0; i < task.workers; ++i) {
    auto& worker = workers.emplace_back(consumer(task, handler), options, source(task, observer),
                                        connect(), observer);
    threads.emplace_back([&] {
      try {
        worker.run();
      } catch (...) {
        clock.fail(std::current_exception());
      }
    });
  }
  clock.wait();
  for (auto& worker : workers) worker.stop();
}

OnError parking() {
  OnError on_error;
  on_error.then = Then::kPark;
  return on_error;
}

// On every partition: nobody asks here which one a key is on.
constexpr const char* kPark =
    "INSERT INTO {kinbox}.parked_events (consumer, event_id, topic, partition, record_offset, "
    "fingerprint, queue, due_at) VALUES ($1, $2, $3, $4, $5, $6, $7, "
    "clock_timestamp() + interval '1 day') "
    "ON CONFLICT (consumer, topic, topic_id, partition, record_offset) DO NOTHING";

/// An event of every hundredth order's key waits, and will for the whole run.
void park_one_percent(const Task& task) {
  const auto connection = database(task)();
  const auto tx = connection->begin();
  const auto sql = connection->dialect().render(kPark);
  const auto nothing = Fingerprint::of(std::nullopt);
  OwnedRecord record;
  record.topic = task.topic;
  for (std::int64_t n = 0; n < task.records; n += 100) {
    record.key = order_id(n);
    for (int partition = 0; partition < TopicContent{}.partitions; ++partition)
      tx->execute(sql, kConsumer, "parked-" + std::to_string(n) + '-' + std::to_string(partition),
                  task.topic, partition, -1 - n, nothing.bytes(), queue_of(record));
  }
  tx->commit();
}

}  // namespace

void run_kinbox(const Task& task, RunClock& clock) {
  run_workers(task, clock, store_order(), database(task));
}

void run_kinbox_one_by_one(const Task& task, RunClock& clock) {
  run_workers(task, clock, store_order(), one_by_one(task));
}

void run_kinbox_parking(const Task& task, RunClock& clock) {
  run_workers(task, clock, store_order(), database(task), parking());
}

void run_kinbox_with_parked_keys(const Task& task, RunClock& clock) {
  park_one_percent(task);
  run_workers(task, clock, store_order(), database(task), parking());
}

void run_kinbox_on_hot_rows(const Task& task, RunClock& clock) {
  run_workers(task, clock, add_to_account(), database(task));
}

}  // namespace kinbox::bench

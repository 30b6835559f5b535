#include <list>
#include <thread>

#include "contenders.hpp"
#include "kinbox/kafka/source.hpp"
#include "kinbox/postgres/database.hpp"
#include "kinbox/sqlite/database.hpp"
#include "kinbox/worker.hpp"
#include "kinbox_handlers.hpp"

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
                 const DatabaseFactory& connect) {
  ClockObserver observer(clock);
  WorkerOptions options;
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

}  // namespace

void run_kinbox(const Task& task, RunClock& clock) {
  run_workers(task, clock, store_order(), database(task));
}

void run_kinbox_one_by_one(const Task& task, RunClock& clock) {
  run_workers(task, clock, store_order(), one_by_one(task));
}

void run_kinbox_on_hot_rows(const Task& task, RunClock& clock) {
  run_workers(task, clock, add_to_account(), database(task));
}

}  // namespace kinbox::bench

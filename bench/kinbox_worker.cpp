#include <list>
#include <thread>

#include "contenders.hpp"
#include "kinbox/json.hpp"
#include "kinbox/kafka/source.hpp"
#include "kinbox/postgres/database.hpp"
#include "kinbox/sqlite/database.hpp"
#include "kinbox/worker.hpp"
#include "store.hpp"

namespace kinbox::bench {
namespace {

class StoreOrder final : public Handler {
 public:
  explicit StoreOrder(const HandlerContext& context)
      : insert_(context.dialect.render(kInsertOrder)) {}

  void handle(const Event& event, Transaction& tx) override {
    const JsonPayload order(event);
    tx.execute(insert_, event.id(), order.text("/orderId"), order.text("/buyerId"),
               order.decimal("/totalAmount"));
  }

 private:
  const std::string insert_;
};

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

ConsumerSpec consumer(const Task& task) {
  ConsumerSpec spec;
  spec.name = kConsumer;
  spec.group = task.group;
  spec.topics = {task.topic};
  spec.handlers.push_back(
      {{.name = "store_order", .event_types = {"ORDER_CREATED"}, .make = [](const auto& context) {
          return std::make_unique<StoreOrder>(context);
        }}});
  return spec;
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

}  // namespace

void run_kinbox(const Task& task, RunClock& clock) {
  ClockObserver observer(clock);
  WorkerOptions options;
  options.budget.max_records = kBatch;
  options.budget.max_wait = std::chrono::milliseconds{kPollMilliseconds};
  options.dispatch.max_batch = kBatch;

  std::list<Worker> workers;
  std::vector<std::jthread> threads;
  for (int i = 0; i < task.workers; ++i) {
    auto& worker = workers.emplace_back(consumer(task), options, source(task, observer),
                                        database(task)(), observer);
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

}  // namespace kinbox::bench

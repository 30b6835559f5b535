#include "contenders.hpp"

#include <array>
#include <thread>
#include <vector>

namespace kinbox::bench {
namespace {

constexpr std::array<Contender, 3> kAll{{{"kinbox", run_kinbox, true},
                                         {"batch_loop", run_batch_loop, true},
                                         {"per_message", run_per_message, false}}};

/// `worker` on each of the task's threads.
void run_workers(const Task& task, RunClock& clock, void (*worker)(const Task&, RunClock&)) {
  std::vector<std::jthread> threads;
  for (int i = 0; i < task.workers; ++i)
    threads.emplace_back([&] {
      try {
        worker(task, clock);
      } catch (...) {
        clock.fail(std::current_exception());
      }
    });
  clock.wait();
}

bool on_postgres(const Task& task) { return task.backend == Backend::kPostgres; }

}  // namespace

void run_per_message(const Task& task, RunClock& clock) {
  run_workers(task, clock, on_postgres(task) ? per_message_on_postgres : per_message_on_sqlite);
}

void run_batch_loop(const Task& task, RunClock& clock) {
  run_workers(task, clock, on_postgres(task) ? batch_loop_on_postgres : batch_loop_on_sqlite);
}

std::span<const Contender> all_contenders() { return kAll; }

}  // namespace kinbox::bench

#include "contenders.hpp"

#include <algorithm>
#include <array>
#include <thread>
#include <vector>

namespace kinbox::bench {
namespace {

using Run = void (*)(const Task&, RunClock&);

/// `worker` on each of the task's threads.
template <Run worker>
void on_each_worker(const Task& task, RunClock& clock) {
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

constexpr auto kPostgres = Backend::kPostgres;
constexpr auto kSqlite = Backend::kSqlite;

constexpr auto kAll = std::to_array<Contender>({
    {"kinbox", kPostgres, run_kinbox},
    {"kinbox_one_by_one", kPostgres, run_kinbox_one_by_one},
    {"kinbox_hot_rows", kPostgres, run_kinbox_on_hot_rows},
    {"kinbox_parking", kPostgres, run_kinbox_parking},
    {"kinbox_parked_keys", kPostgres, run_kinbox_with_parked_keys},
    {"per_message", kPostgres, on_each_worker<per_message_on_postgres>},
    {"batch_loop", kPostgres, on_each_worker<batch_loop_on_postgres>},
    {"pipeline_loop", kPostgres, on_each_worker<pipeline_loop_on_postgres>},
    {"set_loop", kPostgres, on_each_worker<set_loop_on_postgres>},
    {"kinbox", kSqlite, run_kinbox},
    {"per_message", kSqlite, on_each_worker<per_message_on_sqlite>},
    {"batch_loop", kSqlite, on_each_worker<batch_loop_on_sqlite>},
});

}  // namespace

std::span<const Contender> all_contenders() { return kAll; }

const Contender* find_contender(std::string_view name, Backend backend) {
  const auto* found = std::find_if(kAll.begin(), kAll.end(), [&](const auto& one) {
    return one.name == name && one.backend == backend;
  });
  return found == kAll.end() ? nullptr : found;
}

}  // namespace kinbox::bench

#include "run_passes.hpp"

#include <stdexcept>
#include <string>

#include "core/random_name.hpp"
#include "store.hpp"

namespace kinbox::bench {
namespace {

void require(const char* what, std::int64_t found, std::int64_t expected) {
  if (found == expected) return;
  throw std::runtime_error("wrong result: " + std::to_string(found) + ' ' + what + ", expected " +
                           std::to_string(expected));
}

RunTime run_pass(const Contender& contender, Task& task) {
  task.group = "bench-" + random_name();
  RunClock clock(task.records);
  contender.run(task, clock);
  return clock.time();
}

void check(const Store::Counts& counts, const Task& task, std::int64_t distinct) {
  // A contender writes to one of the two.
  require("business effects", counts.orders + counts.changes + counts.parked, distinct);
  require("inbox rows", counts.inbox, distinct);
  require("records passed", counts.passed, task.records);
}

}  // namespace

std::vector<RunTime> run_passes(const Contender& contender, Task task, std::int64_t distinct,
                                int passes) {
  const Store store(task.backend, task.location);
  task.schema = store.schema();
  std::vector<RunTime> times;
  for (int pass = 0; pass < passes; ++pass) {
    if (pass > 0) store.forget_positions();
    store.settle();
    times.push_back(run_pass(contender, task));
    check(store.counts(), task, distinct);
  }
  return times;
}

}  // namespace kinbox::bench

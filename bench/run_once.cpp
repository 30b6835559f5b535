#include "run_once.hpp"

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

}  // namespace

RunTime run_once(const Contender& contender, Task task, std::int64_t distinct) {
  const Store store(task.backend, task.location);
  task.schema = store.schema();
  task.group = "bench-" + random_name();
  RunClock clock(task.records);
  contender.run(task, clock);
  const auto time = clock.time();
  const auto counts = store.counts();
  require("business rows", counts.orders, distinct);
  require("inbox rows", counts.inbox, distinct);
  if (contender.keeps_position) require("records passed", counts.passed, task.records);
  return time;
}

}  // namespace kinbox::bench

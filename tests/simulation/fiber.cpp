#include "simulation/fiber.hpp"

#include <sched.h>

#include <vector>

namespace kinbox::simulation {

void stay_on_one_processor(std::size_t number) {
  cpu_set_t allowed;
  if (sched_getaffinity(0, sizeof allowed, &allowed) != 0) return;
  std::vector<int> processors;
  for (int cpu = 0; cpu < CPU_SETSIZE; ++cpu)
    if (CPU_ISSET(cpu, &allowed)) processors.push_back(cpu);
  if (processors.empty()) return;
  cpu_set_t one;
  CPU_ZERO(&one);
  CPU_SET(processors[number % processors.size()], &one);
  sched_setaffinity(0, sizeof one, &one);
}

Fiber::Fiber(std::function<void()> body)
    : thread_([this, body = std::move(body)] {
        bodys_turn_.acquire();
        body();
        over_ = true;
        owners_turn_.release();
      }) {}

Fiber::~Fiber() { thread_.join(); }

void Fiber::resume() {
  if (over_) return;
  bodys_turn_.release();
  owners_turn_.acquire();
}

void Fiber::pause() {
  owners_turn_.release();
  bodys_turn_.acquire();
}

}  // namespace kinbox::simulation

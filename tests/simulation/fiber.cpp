#include "simulation/fiber.hpp"

namespace kinbox::simulation {

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
